"""Wishes that exclude each other in any pool: no placement could ever satisfy both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rebalancer.errors import PolicyError
from rebalancer.inventory import Pool, Uuid
from rebalancer.policy.intent import Intent, Together

SHOWN = 5


def refuse_contradictions(intent: Intent, pool: Pool, where: str) -> None:
    """Pass where the wishes of *intent* can be satisfied together.

    Raises:
        PolicyError: a VM is both together with and apart from another, may run on no host at all, or is never to
            leave a host that is to be emptied.
    """
    if pool.hosts and intent.empty.keys() >= pool.hosts.keys():
        raise PolicyError(where, "empty names every host of the pool", "Leave hosts for the VMs to run on")
    units = units_of(intent.together)
    _refuse_torn(intent, units, pool, where)
    _refuse_homeless(intent, units, pool, where)
    _refuse_anchored(intent, pool, where)


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


def _refuse_torn(intent: Intent, units: Mapping[Uuid, frozenset[Uuid]], pool: Pool, where: str) -> None:
    """No unit holds more VMs of an apart group than may share a host."""
    for group in intent.apart:
        for unit in {units[vm] for vm in group.vms if vm in units}:
            both = unit & group.vms
            if len(both) > group.at_most:
                wanted = [each.name for each in intent.together if each.vms & both]
                raise PolicyError(
                    where,
                    f"{names(both, pool)} are kept together by {words(wanted)} and apart by {group.name!r}",
                    "Take the VMs out of one of the groups",
                )


def _refuse_homeless(intent: Intent, units: Mapping[Uuid, frozenset[Uuid]], pool: Pool, where: str) -> None:
    """Every VM, and every unit as a whole, has a host left."""
    for wish in intent.run_on:
        for vm in sorted(wish.vms):
            unit = units.get(vm, frozenset({vm}))
            if not allowed_hosts(intent, unit, pool):
                limits = [each.name for each in intent.run_on if each.vms & unit]
                raise PolicyError(
                    where,
                    f"{names(unit, pool)} may run on no host: run_on {words(limits)} and empty leave none",
                    "Add a host to run_on, or take one out of empty",
                )


def _refuse_anchored(intent: Intent, pool: Pool, where: str) -> None:
    """Nobody who never moves is on a host to be emptied."""
    for vm in sorted(intent.never_move):
        host = pool.vms[vm].resident_on
        if host is not None and host in intent.empty:
            raise PolicyError(
                where,
                f"{names([vm], pool)} never moves ({intent.never_move[vm]}), "
                f"but is on {pool.hosts[host].name!r}, which is to be emptied",
                "Let the VM move, or take the host out of empty",
            )


def names(vms: Iterable[Uuid], pool: Pool) -> str:
    """The VMs by name, the first few of them."""
    listed = sorted(pool.vms[vm].name for vm in vms)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(map(repr, listed[:SHOWN])) + more


def words(listed: Iterable[str]) -> str:
    """Names of groups as people read them."""
    return ", ".join(repr(name) for name in dict.fromkeys(listed))
