"""What a policy cannot get, or asks for in vain, in one pool."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rebalancer.inventory import VM, Names, Pool
from rebalancer.policy.found import APART_TAGS, LAST_RESORT_TAG, LEAVE_ALONE_TAGS, NEVER_MOVE_TAG, TOGETHER_TAGS
from rebalancer.policy.intent import SECTIONS, Intent, Reserve
from rebalancer.policy.lint.contradictions import names
from rebalancer.policy.lint.crowds import too_many
from rebalancer.policy.lint.idle import idle_keys
from rebalancer.policy.lint.impossible import Sayings, fragile, impossible
from rebalancer.policy.model import Mode, Policy
from rebalancer.policy.objective import Priority
from rebalancer.policy.resolve import intent_of, place
from rebalancer.policy.selectors import Selectors
from rebalancer.policy.windows import change_windows
from rebalancer.units import MIB, first_few, size_in_words

OURS = ("rebalancer:", "xo:load:balancer:")
"""What tags begin with that are about placement."""
GROUP_TAGS = (*TOGETHER_TAGS, *APART_TAGS)
SINGLE_TAGS = (NEVER_MOVE_TAG, *LEAVE_ALONE_TAGS, LAST_RESORT_TAG)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFinding:
    """One thing to know about a policy in a pool; it can be used all the same."""

    where: str
    words: str

    def __str__(self) -> str:
        return f"{self.where}: {self.words}"


def check_alone(policy: Policy) -> tuple[PolicyFinding, ...]:
    """What *policy* asks for in vain in any pool.

    Example:
        >>> import rebalancer as rb
        >>> policy = rb.Policy(limits={"maximum_moves": 0})
        >>> [finding.words for finding in rb.policy.check_alone(policy)]
        ['0 lets nothing move: every plan is without steps']
    """
    return _findings(_other_zones(policy), _aimless(policy), idle_keys(policy), _closed(policy))


def absent_files(policy: Policy, folder: Path) -> tuple[PolicyFinding, ...]:
    """Files that *policy*, which stands in *folder*, names and that are not there: a night would find out."""
    named = {
        "pool.ca_file": policy.pool.ca_file,
        "pool.credentials_file": policy.pool.credentials_file,
        "execution.allowed_signers": policy.execution.allowed_signers,
        "history.credentials_file": policy.history.credentials_file,
        "notify.credentials_file": policy.notify.credentials_file,
    }
    absent = {key: folder / file for key, file in named.items() if file and not (folder / file).exists()}
    return tuple(PolicyFinding(where=key, words=f"there is no file {file} here") for key, file in absent.items())


def check_policy(policy: Policy, pool: Pool) -> tuple[PolicyFinding, ...]:
    """What *policy* asks for in vain in *pool*; empty when everything can be kept.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> crowd = [f"app-{number:03}" for number in (1, 11, 21, 31, 41)]
        >>> wanted = rb.Policy(apart=[{"name": "six", "vms": [*crowd, "web-000"]}])
        >>> [finding.words for finding in rb.policy.check_policy(wanted, state.pool)]
        ['6 VMs, at most 1 a host, hosts they may run on: 5; cannot be kept']

    Raises:
        PolicyError: it cannot be used with this pool at all.
    """
    intent = intent_of(policy, pool)
    return check_alone(policy) + _findings(
        _resting(policy, pool),
        _lonely_tags(policy, pool),
        _strange_tags(policy, pool),
        _idle_spreads(intent),
        impossible(intent, pool),
        _unready_hosts(intent, pool),
        _reserves(intent, policy, pool),
        too_many(intent, policy.limits, pool),
        fragile(intent, pool),
    )


def _findings(*checks: Sayings) -> tuple[PolicyFinding, ...]:
    return tuple(PolicyFinding(where=where, words=words) for check in checks for where, words in check)


def _closed(policy: Policy) -> Sayings:
    if not change_windows(policy).ever_open:
        yield "blackout", "no change window ever opens: nothing can be planned until a blackout is shortened"


def _other_zones(policy: Policy) -> Sayings:
    """Hours that are in another time zone than all that is told."""
    own = policy.timezone
    if policy.demand.timezone != own:
        yield "demand.timezone", f"hours of load are in {policy.demand.timezone}, all else is told in {own}"
    for section in ("window", "blackout"):
        for number, hours in enumerate(getattr(policy, section), start=1):
            if hours.timezone not in {None, own}:
                span = f"{hours.start:%H:%M} to {hours.end:%H:%M}"
                yield f"{section}[{number}].timezone", f"{span} is in {hours.timezone}, all else is told in {own}"


def _aimless(policy: Policy) -> Sayings:
    """A mode without what it works on."""
    for key in ("maximum_moves", "maximum_gib"):
        if getattr(policy.limits, key) == 0:
            yield f"limits.{key}", "0 lets nothing move: every plan is without steps"
    if policy.mode is Mode.EVACUATE and not policy.empty:
        yield "mode", "evacuate, but empty names no host"
    yield from _idle_objectives(policy)
    for group in policy.apart:
        if not any(vm.startswith("tag:") for vm in group.vms) and group.at_most >= len(set(group.vms)):
            words = f"at_most {group.at_most} allows all its VMs on one host: it asks for nothing"
            yield f"apart {group.name!r}", words


def _idle_objectives(policy: Policy) -> Sayings:
    """Objectives that the mode, or the priority, leaves nothing to do."""
    wanted, priority = policy.objective, policy.objective.priority
    if policy.mode is Mode.CONSOLIDATE and priority is not Priority.MODE:
        yield "objective.priority", "consolidate puts load before hosts in use, and those before GiB, whatever it says"
    for key in ("level", "lower_peak", "clean_up"):
        if getattr(wanted, key) and policy.mode in {Mode.REPAIR, Mode.EVACUATE}:
            yield f"objective.{key}", f"nothing is levelled in mode {policy.mode}"
        elif getattr(wanted, key) and key != "clean_up" and policy.mode is Mode.BALANCE and priority is Priority.GIB:
            yield f"objective.{key}", "with priority 'gib' there is nothing to spend on it: it only copies no more"


def _resting(policy: Policy, pool: Pool) -> Sayings:
    selectors = Selectors(pool)
    for section in SECTIONS:
        for group in getattr(policy, section):
            chosen = selectors.vms(group.vms, place(policy, section, group.name))
            if chosen.resting:
                idle = "" if len(chosen.resident) > (section != "run_on") else "; it asks for nothing tonight"
                yield f"{section} {group.name!r}", f"{names(chosen.resting, pool)} not running, does not count{idle}"
    for key in ("never_move", "leave_alone"):
        if resting := selectors.vms(getattr(policy, key), place(policy, key)).resting:
            yield key, f"{names(resting, pool)} not running, does not count"


def _idle_spreads(intent: Intent) -> Sayings:
    for group in intent.spread:
        if group.at_most >= len(group.vms):
            only = ", and there is only one" if len(group.hosts_of) == 1 else ""
            yield f"spread {group.name!r}", f"all its VMs may be in one {group.domain}{only}: it asks for nothing"


def _lonely_tags(policy: Policy, pool: Pool) -> Sayings:
    for tag, vms in _carriers(policy, pool, pool.resident_guests(), GROUP_TAGS):
        if len(vms) == 1 and _is_known(tag):
            yield f"tag {tag}", f"only {vms[0]!r} carries it: it asks for nothing"


def _strange_tags(policy: Policy, pool: Pool) -> Sayings:
    """Tags of guests that look as if they were meant for us, or for Xen Orchestra's load balancer, and mean nothing."""
    for tag, vms in _carriers(policy, pool, pool.guests(), OURS):
        if not _is_known(tag) and tag != policy.execution.hold_tag:
            near = get_close_matches(tag, (*GROUP_TAGS, *SINGLE_TAGS, policy.execution.hold_tag), n=1)
            named = f" (near to it: {near[0]!r})" if near else ""
            yield f"tag {tag}", f"{first_few([repr(vm) for vm in sorted(vms)], 1)}: it means nothing{named}"


def _carriers(policy: Policy, pool: Pool, vms: Iterable[VM], starts: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    """Tags that begin with one of *starts*, and the names of the VMs that carry them, where the policy reads tags."""
    carriers: dict[str, list[str]] = {}
    called = Names(pool).vms
    for vm in vms if policy.intent.read_tags else ():
        for tag in vm.tags:
            if tag.startswith(starts):
                carriers.setdefault(tag, []).append(called[vm.uuid])
    return sorted(carriers.items())


def _is_known(tag: str) -> bool:
    return tag in SINGLE_TAGS or any(tag.startswith(prefix) and tag != prefix for prefix in GROUP_TAGS)


def _unready_hosts(intent: Intent, pool: Pool) -> Sayings:
    for wish in intent.run_on:
        hosts = [pool.hosts[host] for host in wish.hosts]
        if not any(host.enabled and host.live for host in hosts):
            yield f"run_on {wish.name!r}", "none of its hosts is enabled and live: nobody can move there"


def _reserves(intent: Intent, policy: Policy, pool: Pool) -> Sayings:
    """Hosts of which so much is kept free that nothing is left."""
    capacity, names_of_hosts = policy.capacity, Names(pool).hosts
    for uuid, host in pool.hosts.items():
        reserve, on = intent.reserves.get(uuid, Reserve()), f"kept free on {names_of_hosts[uuid]!r}"
        kept = capacity.memory_reserve_mib * MIB + reserve.memory_bytes
        if host.memory_total_bytes and kept >= host.memory_total_bytes:
            yield "reserve", f"{size_in_words(kept)} {on}, which has no more: nobody can move there"
        pcpus, counted = capacity.pcpu_reserve + reserve.pcpus, (host.pcpus or 0) * capacity.cpu_factor
        if host.pcpus and pcpus >= counted:
            yield "reserve", f"{pcpus:g} pCPUs {on}, which counts {counted:g}: whatever runs there is overload"
