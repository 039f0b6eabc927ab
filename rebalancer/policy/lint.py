"""What a policy cannot get, or asks for in vain, in one pool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rebalancer.inventory import Pool, Uuid
from rebalancer.policy.contradictions import allowed_hosts, names, units_of
from rebalancer.policy.found import APART_TAGS, TOGETHER_TAGS
from rebalancer.policy.intent import Intent
from rebalancer.policy.model import Mode, Policy
from rebalancer.policy.resolve import intent_of, place
from rebalancer.policy.selectors import Selectors
from rebalancer.units import MIB, size_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFinding:
    """One thing to know about a policy in a pool; it can be used all the same."""

    where: str
    words: str

    def __str__(self) -> str:
        """Where and what, in one line."""
        return f"{self.where}: {self.words}"


def check_policy(policy: Policy, pool: Pool) -> tuple[PolicyFinding, ...]:
    """What *policy* asks for in vain in *pool*; empty when everything can be kept.

    Raises:
        PolicyError: it cannot be used with this pool at all.
    """
    intent = intent_of(policy, pool)
    checks = (
        _aimless(policy),
        _resting(policy, pool),
        _lonely_tags(policy, pool),
        _crowded(intent, pool),
        _oversized(intent, pool),
        _anchored_elsewhere(intent, pool),
        _anchored_groups(intent, pool),
        _unready_hosts(intent, pool),
        _reserves(intent, policy, pool),
    )
    return tuple(PolicyFinding(where=where, words=words) for check in checks for where, words in check)


Sayings = Iterator[tuple[str, str]]


def _aimless(policy: Policy) -> Sayings:
    """A mode without what it works on."""
    if policy.mode is Mode.EVACUATE and not policy.empty:
        yield "mode", "evacuate, but empty names no host"
    for group in policy.apart:
        if not any(vm.startswith("tag:") for vm in group.vms) and group.at_most >= len(set(group.vms)):
            yield (
                f"apart {group.name!r}",
                f"at_most {group.at_most} allows all its VMs on one host: it asks for nothing",
            )


def _resting(policy: Policy, pool: Pool) -> Sayings:
    """Groups with VMs that are halted or suspended."""
    selectors = Selectors(pool)
    sections = (("together", policy.together), ("apart", policy.apart), ("run_on", policy.run_on))
    for section, groups in sections:
        for group in groups:
            chosen = selectors.vms(group.vms, place(policy, section, group.name))
            if chosen.resting:
                idle = "" if len(chosen.resident) > (section != "run_on") else "; it asks for nothing tonight"
                yield f"{section} {group.name!r}", f"{names(chosen.resting, pool)} not running, does not count{idle}"
    resting = selectors.vms(policy.never_move, place(policy, "never_move")).resting
    if resting:
        yield "never_move", f"{names(resting, pool)} not running, does not count"


def _lonely_tags(policy: Policy, pool: Pool) -> Sayings:
    """Group tags that a single running VM carries."""
    carriers: dict[str, list[str]] = {}
    for vm in pool.resident_guests() if policy.intent.read_tags else ():
        for tag in vm.tags:
            if tag.startswith((*TOGETHER_TAGS, *APART_TAGS)):
                carriers.setdefault(tag, []).append(vm.name)
    for tag, vms in sorted(carriers.items()):
        if len(vms) == 1:
            yield f"tag {tag}", f"only {vms[0]!r} carries it: it asks for nothing"


def _crowded(intent: Intent, pool: Pool) -> Sayings:
    """Apart groups with more VMs than their hosts may hold."""
    for group in intent.apart:
        hosts = frozenset[Uuid]().union(*(allowed_hosts(intent, [vm], pool) for vm in group.vms))
        if len(group.vms) > group.at_most * len(hosts):
            room = f"at most {group.at_most} a host, hosts they may run on: {len(hosts)}"
            yield f"apart {group.name!r}", f"{len(group.vms)} VMs, {room}; cannot be kept"


def _oversized(intent: Intent, pool: Pool) -> Sayings:
    """Units whose memory no host that is left to them has."""
    for unit in sorted({tuple(sorted(unit)) for unit in units_of(intent.together).values()}):
        needed = sum(pool.vms[vm].migration_memory_bytes for vm in unit)
        largest = max(
            (pool.hosts[host].memory_total_bytes or 0 for host in allowed_hosts(intent, unit, pool)), default=0
        )
        if needed > largest:
            wanted = ", ".join(repr(group.name) for group in intent.together if group.vms <= set(unit))
            sizes = f"have {size_in_words(needed)}, the largest host left to them {size_in_words(largest)}"
            yield f"together {wanted}", f"{names(unit, pool)} {sizes}: cannot be kept"


def _anchored_elsewhere(intent: Intent, pool: Pool) -> Sayings:
    """VMs that never move and are on a host that `run_on` does not name."""
    for wish in intent.run_on:
        for vm in sorted(wish.vms & intent.never_move.keys()):
            host = pool.vms[vm].resident_on
            if host is not None and host not in wish.hosts:
                yield f"run_on {wish.name!r}", f"{names([vm], pool)} never moves and stays on {pool.hosts[host].name!r}"


def _anchored_groups(intent: Intent, pool: Pool) -> Sayings:
    """Groups whose VMs that never move are together or apart for good."""
    for group in intent.together:
        fixed = _fixed_hosts(intent, group.vms, pool)
        if len(set(fixed)) > 1:
            yield f"together {group.name!r}", "its VMs that never move are on different hosts: cannot be kept"
    for apart in intent.apart:
        fixed = _fixed_hosts(intent, apart.vms, pool)
        for host in sorted(set(fixed)):
            if fixed.count(host) > apart.at_most:
                yield (
                    f"apart {apart.name!r}",
                    f"{fixed.count(host)} of its VMs never move and share {pool.hosts[host].name!r}: cannot be kept",
                )


def _fixed_hosts(intent: Intent, vms: frozenset[Uuid], pool: Pool) -> list[Uuid]:
    """The host of each VM that never moves."""
    hosts = (pool.vms[vm].resident_on for vm in sorted(vms & intent.never_move.keys()))
    return [host for host in hosts if host is not None]


def _unready_hosts(intent: Intent, pool: Pool) -> Sayings:
    """`run_on` wishes none of whose hosts takes VMs now."""
    for wish in intent.run_on:
        hosts = [pool.hosts[host] for host in wish.hosts]
        if not any(host.enabled and host.live for host in hosts):
            yield f"run_on {wish.name!r}", "none of its hosts is enabled and live: nobody can move there"


def _reserves(intent: Intent, policy: Policy, pool: Pool) -> Sayings:
    """Hosts of which the reserves leave nothing."""
    everywhere = policy.capacity.memory_reserve_mib * MIB
    for uuid, host in pool.hosts.items():
        kept = everywhere + (intent.reserves[uuid].memory_bytes if uuid in intent.reserves else 0)
        if host.memory_total_bytes and kept >= host.memory_total_bytes:
            yield (
                "reserve",
                f"{size_in_words(kept)} kept free on {host.name!r}, which has no more: nobody can move there",
            )
