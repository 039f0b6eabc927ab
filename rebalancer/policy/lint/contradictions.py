"""Wishes that exclude each other in any pool: no placement could ever satisfy both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rebalancer.errors import PolicyError
from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.policy.intent import Intent, Together
from rebalancer.units import first_few

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyContradiction:
    """Wishes that exclude each other: which one is named for it, what is wrong, and what to do."""

    where: str
    problem: str
    remedy: str


def refuse_contradictions(intent: Intent, pool: Pool, where: str) -> None:
    """Pass where the hard wishes of *intent* can be satisfied together; soft ones never stop a plan.

    Raises:
        PolicyError: a VM is both together with and apart from another, may run on no host at all, or is never to
            leave a host that is to be emptied.
    """
    if pool.hosts and intent.empty.keys() >= pool.hosts.keys():
        raise PolicyError(where, "empty names every host of the pool", "Leave hosts for the VMs to run on")
    binding = intent.binding
    units = units_of(binding.together)
    for found in (*_torn(binding, units, pool), *_homeless(binding, units, pool)):
        raise PolicyError(where, found.problem, found.remedy)


def contradictions(intent: Intent, pool: Pool) -> Iterator[PolicyContradiction]:
    """Wishes of *intent* that exclude each other, each taken as hard."""
    units = units_of(intent.together)
    yield from _torn(intent, units, pool)
    yield from _homeless(intent, units, pool)
    yield from _anchored(intent, pool)


def units_of(groups: Sequence[Together]) -> dict[Uuid, frozenset[Uuid]]:
    """All VMs that share a host with each grouped VM, over overlapping groups."""
    units: dict[Uuid, frozenset[Uuid]] = {}
    for group in groups:
        merged = group.vms.union(*(units.get(vm, frozenset()) for vm in group.vms))
        units.update(dict.fromkeys(merged, merged))
    return units


def allowed_hosts(intent: Intent, vms: Iterable[Uuid], pool: Pool) -> frozenset[Uuid]:
    """Hosts that the policy leaves for *vms* together: not to be emptied, and in every `run_on` of theirs."""
    members = frozenset(vms)
    hosts = frozenset(pool.hosts) - intent.empty.keys()
    return hosts.intersection(*(wish.hosts for wish in intent.run_on if wish.vms & members))


Units = dict[Uuid, frozenset[Uuid]]


def _torn(intent: Intent, units: Units, pool: Pool) -> Iterator[PolicyContradiction]:
    """Units that hold more VMs of a group than may share a host or a domain."""
    sections = (("apart", intent.apart), ("spread", intent.spread))
    for section, group in ((section, group) for section, groups in sections for group in groups):
        for unit in sorted({units[vm] for vm in group.vms if vm in units}, key=sorted):
            both = unit & group.vms
            if len(both) > group.at_most:
                wanted = [each.name for each in intent.together if each.vms & both]
                yield PolicyContradiction(
                    where=f"{section} {group.name!r}",
                    problem=f"{names(both, pool)} are kept together by {words(wanted)} and apart by {group.name!r}",
                    remedy="Take the VMs out of one of the groups",
                )


def _homeless(intent: Intent, units: Units, pool: Pool) -> Iterator[PolicyContradiction]:
    """VMs, and units as a whole, that have no host left."""
    for wish in intent.run_on:
        for unit in sorted({units.get(vm, frozenset({vm})) for vm in wish.vms}, key=sorted):
            if not allowed_hosts(intent, unit, pool):
                limits = [each.name for each in intent.run_on if each.vms & unit]
                yield PolicyContradiction(
                    where=f"run_on {wish.name!r}",
                    problem=f"{names(unit, pool)} may run on no host: run_on {words(limits)} and empty leave none",
                    remedy="Add a host to run_on, or take one out of empty",
                )


def _anchored(intent: Intent, pool: Pool) -> Iterator[PolicyContradiction]:
    for vm in sorted(intent.never_move):
        host = pool.vms[vm].resident_on
        if host is not None and host in intent.empty:
            yield PolicyContradiction(
                where="never_move",
                problem=f"{names([vm], pool)} never moves ({intent.never_move[vm]}), "
                f"but is on {Names(pool).hosts[host]!r}, which is to be emptied",
                remedy="Let the VM move, or take the host out of empty",
            )


def names(vms: Iterable[Uuid], pool: Pool) -> str:
    """The VMs by name, the first few of them."""
    return first_few([repr(name) for name in sorted(map(Names(pool).vms.__getitem__, vms))], SHOWN)


def words(listed: Iterable[str]) -> str:
    """Names of groups as people read them."""
    return ", ".join(repr(name) for name in dict.fromkeys(listed))
