"""The policy in the uuids of one pool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import ceil, comb
from typing import Literal

from rebalancer.errors import PolicyError
from rebalancer.inventory import SR, Network, Pool, Uuid
from rebalancer.policy.contradictions import refuse_contradictions
from rebalancer.policy.found import (
    domains_of,
    grouped_apart,
    preferred_hosts,
    tagged_apart,
    tagged_last_resort,
    tagged_never_move,
    tagged_together,
)
from rebalancer.policy.intent import Apart, Intent, Reserve, RunOn, Spread, Together
from rebalancer.policy.model import Policy, Strength
from rebalancer.policy.sections import GroupPolicy
from rebalancer.policy.selectors import ChosenVMs, Selectors, close_matches
from rebalancer.units import MIB, counted

MOST_FAILURES = 2016
"""Failures of hosts that are looked at one by one: all pairs of 64 hosts."""


def intent_of(policy: Policy, pool: Pool) -> Intent:
    """What *policy* and, where it says so, the pool's own tags and VM groups want.

    Only resident guests count: a VM that is halted or suspended occupies no host. A group of which fewer than two VMs
    are resident asks for nothing and is left out.

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
        read = self._policy.intent
        grouped = read.read_tags and read.tag_groups is not Strength.IGNORE
        hard = read.tag_groups is Strength.HARD
        self._refuse_too_many_failures()
        self._refuse_unwanted_pools()
        reluctant = (tagged_last_resort(self._pool) if read.read_tags else {}) | self._kept("last_resort")
        intent = Intent(
            together=self._together() + (tagged_together(self._pool, hard=hard) if grouped else ()),
            apart=self._apart() + (tagged_apart(self._pool, hard=hard) if grouped else ()) + self._vm_groups(),
            spread=self._spread(),
            run_on=self._run_on() + (preferred_hosts(self._pool) if read.read_affinity else ()),
            never_move=(tagged_never_move(self._pool) if read.read_tags else {}) | self._kept("never_move"),
            last_resort=self._cooling() | reluctant,
            cooling=frozenset(self._cooling().keys() - reluctant.keys()),
            empty=self._empty(),
            reserves=self._reserves(),
            disk_srs=self.disk_srs(),
            xendesktop=self._selectors.vms(
                self._policy.storage_motion.xendesktop, place(self._policy, "storage_motion")
            ).both,
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
            self._refuse_unknown(
                "networks", wish.networks, [each for pool in members for each in pool.networks.values()]
            )
            self._refuse_unknown("srs", wish.srs, [each for pool in members for each in pool.srs.values()])

    def _refuse_unknown(self, section: str, names: Mapping[str, str], known: Sequence[Network | SR]) -> None:
        words = {word for each in known for word in (each.uuid, each.name)}
        for name in (*names.keys(), *names.values()):
            if name not in words:
                guess = close_matches(name, words)
                problem = f"no pool has {name!r}" + (f"; {guess}" if guess else "")
                raise PolicyError(place(self._policy, f"other_pools.{section}"), problem, "Correct the name")

    def _together(self) -> tuple[Together, ...]:
        groups = ((group, self._group("together", group)) for group in self._policy.together)
        return tuple(Together(name=group.name, vms=vms, hard=group.hard) for group, vms in groups if len(vms) > 1)

    def _apart(self) -> tuple[Apart, ...]:
        groups = ((group, self._group("apart", group)) for group in self._policy.apart)
        return tuple(
            Apart(name=group.name, vms=vms, at_most=group.at_most, hard=group.hard)
            for group, vms in groups
            if len(vms) > 1
        )

    def _vm_groups(self) -> tuple[Apart, ...]:
        strength = self._policy.intent.vm_groups
        return () if strength is Strength.IGNORE else grouped_apart(self._pool, hard=strength is Strength.HARD)

    def _spread(self) -> tuple[Spread, ...]:
        """Groups of the policy that spread over failure domains; domains that are emptied as a whole take no share."""
        found = []
        for group in self._policy.spread:
            vms = self._group("spread", group)
            hosts_of = domains_of(self._pool, group.domain, place(self._policy, "spread", group.name))
            open_domains = sum(not hosts <= self._empty().keys() for hosts in hosts_of.values())
            found.append(
                Spread(
                    name=group.name,
                    vms=vms,
                    domain=group.domain,
                    hosts_of=hosts_of,
                    at_most=group.at_most or ceil(len(vms) / max(1, open_domains)),
                    hard=group.hard,
                )
            )
        return tuple(wish for wish in found if len(wish.vms) > 1)

    def _group(self, section: str, group: GroupPolicy) -> frozenset[Uuid]:
        """The resident members of a group that names two VMs or more."""
        where = place(self._policy, section, group.name)
        chosen = self._selectors.vms(group.vms, where)
        if len(chosen.both) <= 1:
            raise PolicyError(where, f"the group has only {self._listed(chosen)}", "Name two VMs or more, or remove it")
        return chosen.resident

    def _listed(self, chosen: ChosenVMs) -> str:
        return ", ".join(f"VM {self._pool.vms[vm].name!r}" for vm in sorted(chosen.both))

    def _run_on(self) -> tuple[RunOn, ...]:
        found = []
        for wish in self._policy.run_on:
            where = place(self._policy, "run_on", wish.name)
            vms = self._selectors.vms(wish.vms, where).resident
            hosts = self._selectors.hosts(wish.hosts, where)
            found.append(RunOn(name=wish.name, vms=vms, hosts=hosts, hard=wish.hard))
        return tuple(wish for wish in found if wish.vms)

    def _kept(self, section: Literal["never_move", "last_resort"]) -> dict[Uuid, str]:
        selectors = self._policy.never_move if section == "never_move" else self._policy.last_resort
        return {
            vm: f"policy {section} {selector!r}"
            for selector in selectors
            for vm in sorted(self._selectors.vms([selector], place(self._policy, section)).resident)
        }

    def _cooling(self) -> dict[Uuid, str]:
        guests = {vm.uuid for vm in self._pool.resident_guests()}
        return {
            each.vm: each.words
            for each in sorted(self._policy.cooling, key=lambda each: (each.vm, each.until))
            if each.vm in guests
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
        found: dict[Uuid, list[Reserve]] = defaultdict(list)
        for wish in self._policy.reserve:
            reserve = Reserve(memory_bytes=wish.memory_mib * MIB, pcpus=wish.pcpus)
            for host in self._selectors.hosts(wish.hosts, place(self._policy, "reserve")):
                found[host].append(reserve)
        return {host: _sum(found[host]) for host in sorted(found)}

    def disk_srs(self) -> frozenset[Uuid]:
        """The SRs to which disks may go; what is named is looked up even where none may."""
        wish, where = self._policy.storage_motion, place(self._policy, "storage_motion")
        named, never = (self._selectors.srs(each, where) for each in (wish.srs, wish.never))
        return (named or frozenset(self._pool.srs)) - never if wish.enabled else frozenset()


def _sum(reserves: Sequence[Reserve]) -> Reserve:
    return Reserve(memory_bytes=sum(each.memory_bytes for each in reserves), pcpus=sum(each.pcpus for each in reserves))
