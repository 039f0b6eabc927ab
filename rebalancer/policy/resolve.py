"""The policy in the uuids of one pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, comb
from typing import TypeVar

from rebalancer.errors import PolicyError
from rebalancer.inventory import SR, Names, Network, Pool, Uuid
from rebalancer.policy.found import (
    domains_of,
    grouped_apart,
    preferred_hosts,
    tagged_apart,
    tagged_last_resort,
    tagged_leave_alone,
    tagged_never_move,
    tagged_together,
)
from rebalancer.policy.intent import Apart, Intent, Reserve, RunOn, SpreadOver, Together
from rebalancer.policy.lint.contradictions import refuse_contradictions
from rebalancer.policy.model import Policy, Strength
from rebalancer.policy.sections import GroupPolicy
from rebalancer.policy.selectors import Selectors, close_matches
from rebalancer.units import MIB, counted

G = TypeVar("G", bound=GroupPolicy)

MOST_FAILURES = 2016
"""Failures of hosts that are looked at one by one: all pairs of 64 hosts."""


def intent_of(policy: Policy, pool: Pool) -> Intent:
    """What *policy* and, where it says so, the pool's own tags and VM groups want.

    Only resident guests count: a VM that is halted or suspended occupies no host. A group of which fewer than two VMs
    are resident asks for nothing and is left out.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> policy = rb.Policy(apart=[{"name": "web", "vms": ["web-000", "web-010"]}])
        >>> [wish.name for wish in rb.policy.intent_of(policy, state.pool).apart]
        ['web', 'tag xo:load:balancer:anti-affinity=cache', 'VM group databases', 'VM group web servers']

    Raises:
        PolicyError: a selector matches nothing or is ambiguous, a group has fewer than two VMs, or two wishes exclude
            each other.
    """
    return _Resolving(policy, pool).intent()


def place(policy: Policy, section: str, name: str = "") -> str:
    """Where in a policy something stands, in words: `policy 'nightly', apart 'databases'`."""
    return f"policy {policy.name!r}, {section}" + (f" {name!r}" if name else "")


def disk_srs_of(policy: Policy, pool: Pool) -> frozenset[Uuid]:
    """The SRs to which *policy* lets disks go.

    Raises:
        PolicyError: it names an SR that the pool does not have.
    """
    return _Resolving(policy, pool).disk_srs()


class _Resolving:
    """One policy against one pool."""

    def __init__(self, policy: Policy, pool: Pool) -> None:
        self._policy, self._pool = policy, pool
        self._selectors = Selectors(pool)

    def intent(self) -> Intent:
        """All wishes, free of contradictions."""
        read, wish = self._policy.intent, self._policy.storage_motion
        grouped = read.read_tags and read.tag_groups is not Strength.IGNORE
        hard = read.tag_groups is Strength.HARD
        self._refuse_too_many_failures()
        self._refuse_unwanted_pools()
        reluctant = (tagged_last_resort(self._pool) if read.read_tags else {}) | self._kept("last_resort")
        cooling = self._cooling(stays=False)
        never = (tagged_never_move(self._pool) if read.read_tags else {}) | self._kept("never_move")
        alone = (tagged_leave_alone(self._pool) if read.read_tags else {}) | self._kept("leave_alone")
        maintained = self._policy.maintains
        reluctant |= alone if maintained else {}
        intent = Intent(
            together=self._together() + (tagged_together(self._pool, hard=hard) if grouped else ()),
            apart=self._apart() + (tagged_apart(self._pool, hard=hard) if grouped else ()) + self._vm_groups(),
            spread=self._spread(),
            run_on=self._run_on() + (preferred_hosts(self._pool) if read.read_affinity else ()),
            never_move=({} if maintained else alone) | never,
            left_alone=self._cooling(stays=True),
            last_resort=cooling | reluctant,
            cooling=frozenset(cooling.keys() - reluctant.keys()),
            empty=self._empty(),
            reserves=self._reserves(),
            disk_srs=self.disk_srs(),
            xendesktop=self._selectors.vms(wish.xendesktop, place(self._policy, "storage_motion")).both,
        )
        refuse_contradictions(intent, self._pool, f"policy {self._policy.name!r}")
        return intent

    def _refuse_too_many_failures(self) -> None:
        """Every failure that the pool is to outlive has to be looked at, with disks that stay where they are."""
        failing, hosts = self._policy.spare.hosts, len(self._pool.hosts)
        if failing and self._policy.storage_motion.enabled:
            problem = "where disks move, it is not known which hosts can restart their VMs"
            raise PolicyError(place(self._policy, "spare.hosts"), problem, "Switch storage_motion.enabled off")
        if failing > hosts:
            problem = f"{counted(failing, 'host')} to spare, and the pool has {hosts}"
            raise PolicyError(place(self._policy, "spare.hosts"), problem, "Keep fewer hosts to spare")
        if comb(hosts, failing) > MOST_FAILURES:
            ways = f"{failing} of {counted(hosts, 'host')} can fail in {counted(comb(hosts, failing), 'way')}"
            problem = f"{ways}, more than the {MOST_FAILURES} that can be looked at"
            raise PolicyError(place(self._policy, "spare.hosts"), problem, "Keep fewer hosts to spare")

    def _refuse_unwanted_pools(self) -> None:
        """Several pools are looked at only where VMs may go from one to another, by maps that name what there is."""
        wish, members = self._policy.other_pools, self._pool.members
        if len(members) > 1 and not wish.enabled:
            problem = f"{len(members)} pools were named, and no VM may go from one to another"
            both = "Set it" if self._policy.storage_motion.enabled else "Set it, and storage_motion.enabled"
            raise PolicyError(place(self._policy, "other_pools.enabled"), problem, f"{both}, or name one pool")
        if len(members) > 1:
            for section in ("networks", "srs"):
                known = [each for pool in members for each in getattr(pool, section).values()]
                self._refuse_unknown(section, getattr(wish, section), known)

    def _refuse_unknown(self, section: str, names: Mapping[str, str], known: Sequence[Network | SR]) -> None:
        words = {word for each in known for word in (each.uuid, each.name)}
        for name in (*names.keys(), *names.values()):
            if name not in words:
                guess = close_matches(name, words)
                problem = f"no pool has {name!r}" + (f"; {guess}" if guess else "")
                raise PolicyError(place(self._policy, f"other_pools.{section}"), problem, "Correct the name")

    def _together(self) -> tuple[Together, ...]:
        groups = self._groups("together", self._policy.together)
        return tuple(Together(name=group.name, vms=vms, hard=group.hard) for group, vms in groups if len(vms) > 1)

    def _apart(self) -> tuple[Apart, ...]:
        return tuple(
            Apart(name=group.name, vms=vms, at_most=group.at_most, hard=group.hard)
            for group, vms in self._groups("apart", self._policy.apart)
            if len(vms) > 1
        )

    def _vm_groups(self) -> tuple[Apart, ...]:
        strength = self._policy.intent.vm_groups
        return () if strength is Strength.IGNORE else grouped_apart(self._pool, hard=strength is Strength.HARD)

    def _spread(self) -> tuple[SpreadOver, ...]:
        """Groups of the policy that spread over failure domains; domains that are emptied as a whole take no share."""
        found = []
        for group, vms in self._groups("spread", self._policy.spread):
            hosts_of = domains_of(self._pool, group.domain, place(self._policy, "spread", group.name))
            open_domains = sum(not hosts <= self._empty().keys() for hosts in hosts_of.values())
            found.append(
                SpreadOver(
                    name=group.name,
                    vms=vms,
                    domain=group.domain,
                    hosts_of=hosts_of,
                    at_most=group.at_most or ceil(len(vms) / max(1, open_domains)),
                    hard=group.hard,
                )
            )
        return tuple(wish for wish in found if len(wish.vms) > 1)

    def _groups(self, section: str, groups: Sequence[G]) -> Iterator[tuple[G, frozenset[Uuid]]]:
        """Each group with its resident members; it has to name two VMs or more."""
        for group in groups:
            where = place(self._policy, section, group.name)
            chosen = self._selectors.vms(group.vms, where)
            if len(chosen.both) <= 1:
                listed = ", ".join(f"VM {Names(self._pool).vms[vm]!r}" for vm in chosen.both)
                raise PolicyError(where, f"the group has only {listed}", "Name two VMs or more, or remove it")
            yield group, chosen.resident

    def _run_on(self) -> tuple[RunOn, ...]:
        found = []
        for wish in self._policy.run_on:
            where = place(self._policy, "run_on", wish.name)
            vms = self._selectors.vms(wish.vms, where).resident
            hosts = self._selectors.hosts(wish.hosts, where)
            found.append(RunOn(name=wish.name, vms=vms, hosts=hosts, hard=wish.hard))
        return tuple(wish for wish in found if wish.vms)

    def _kept(self, section: str) -> dict[Uuid, str]:
        return {
            vm: f"policy {section} {selector!r}"
            for selector in getattr(self._policy, section)
            for vm in sorted(self._selectors.vms([selector], place(self._policy, section)).resident)
        }

    def _cooling(self, *, stays: bool) -> dict[Uuid, str]:
        guests = {vm.uuid for vm in self._pool.resident_guests()}
        return {
            each.vm: each.words(self._policy.timezone)
            for each in sorted(self._policy.cooling, key=lambda each: (each.vm, each.until))
            if each.vm in guests and each.stays is stays
        }

    def _empty(self) -> dict[Uuid, str]:
        where = place(self._policy, "empty")
        return {
            host: f"policy empty {selector!r}"
            for selector in self._policy.empty
            for host in sorted(self._selectors.hosts([selector], where))
        }

    def _reserves(self) -> dict[Uuid, Reserve]:
        """What is kept free on single hosts; several reserves of one host add up."""
        found: dict[Uuid, Reserve] = {}
        for wish in self._policy.reserve:
            for host in self._selectors.hosts(wish.hosts, place(self._policy, "reserve")):
                kept = found.get(host, Reserve())
                memory_bytes, pcpus = kept.memory_bytes + wish.memory_mib * MIB, kept.pcpus + wish.pcpus
                found[host] = Reserve(memory_bytes=memory_bytes, pcpus=pcpus)
        return dict(sorted(found.items()))

    def disk_srs(self) -> frozenset[Uuid]:
        """The SRs to which disks may go; what is named is looked up even where none may."""
        wish, where = self._policy.storage_motion, place(self._policy, "storage_motion")
        named, never = (self._selectors.srs(each, where) for each in (wish.srs, wish.never))
        return (named or frozenset(self._pool.srs)) - never if wish.enabled else frozenset()
