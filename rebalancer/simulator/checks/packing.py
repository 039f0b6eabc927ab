"""Where the VMs of a host that is emptied would go (xapi_ha_vm_failover.ml: compute_evacuation_plan).

Groups that are to stay apart are spread as evenly as memory allows, or at least over two hosts; the rest is packed, the
biggest VM first, each to the host with most memory left. If that leaves any VM out, the groups do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.simulator.checks.facts import is_restricted
from rebalancer.simulator.state.database import Database

FEWEST_HOSTS = 3
APART_ON = 2


@dataclass(slots=True, kw_only=True)
class GroupSpread:
    """VMs being placed so that groups are apart.

    Args:
        free: {host: bytes left}.
        counts: {group: {host: how many of its running VMs are there}}.
        placed: {VM: host}.
    """

    free: dict[str, int]
    counts: Mapping[str, dict[str, int]]
    placed: dict[str, str]

    def put(self, vm: str, size: int, group: str, hosts: list[str]) -> bool:
        """Put a VM on the host with fewest of its group, then with least memory that will do; False where none will."""
        there = self.counts[group]
        fitting = [host for host in hosts if self.free[host] >= size]
        if not fitting:
            return False
        host = min(fitting, key=lambda ref: (there[ref], self.free[ref], ref))
        self.free[host] -= size
        there[host] += 1
        self.placed[vm] = host
        return True


def packed(database: Database, free: Mapping[str, int], sizes: Mapping[str, int]) -> dict[str, str]:
    """{VM: host} for VMs of these sizes, in bytes, on hosts with so much left; VMs that fit nowhere are left out."""
    groups = _groups(database, sizes)
    if groups and database.count("host") >= FEWEST_HOSTS and not is_restricted(database, "vm_groups"):
        for attempt in (_spread_evenly, _spread_over_two):
            spread = attempt(_spread(database, free, groups), sizes, groups)
            rest = {vm: size for vm, size in sizes.items() if vm not in spread.placed}
            plan = {**spread.placed, **_packed(spread.free, rest)}
            if spread.placed and len(plan) == len(sizes):
                return plan
    return _packed(free, sizes)


def _packed(free: Mapping[str, int], sizes: Mapping[str, int]) -> dict[str, str]:
    left, placed = dict(free), dict[str, str]()
    for vm in sorted(sizes, key=lambda ref: -sizes[ref]):
        host = max(left, key=lambda ref: left[ref])
        if left[host] >= sizes[vm]:
            left[host] -= sizes[vm]
            placed[vm] = host
    return placed


def _groups(database: Database, sizes: Mapping[str, int]) -> dict[str, str]:
    """{VM: its group that is to stay apart}, the small VMs first."""
    found = {}
    for vm in sorted(sizes, key=lambda ref: sizes[ref]):
        for group in database.get("VM", vm).get("groups", [])[:1]:
            if database.get("VM_group", group)["placement"] == "anti_affinity":
                found[vm] = group
    return found


def _spread(database: Database, free: Mapping[str, int], groups: Mapping[str, str]) -> GroupSpread:
    counts = {group: dict.fromkeys(free, 0) for group in groups.values()}
    for group, there in counts.items():
        for vm in (database.get("VM", ref) for ref in database.get("VM_group", group)["VMs"]):
            if vm["power_state"] == "Running" and vm["resident_on"] in there:
                there[vm["resident_on"]] += 1
    return GroupSpread(free=dict(free), counts=counts, placed={})


def _spread_evenly(spread: GroupSpread, sizes: Mapping[str, int], groups: Mapping[str, str]) -> GroupSpread:
    """Place every VM of every group, or none."""
    if all(spread.put(vm, sizes[vm], group, list(spread.free)) for vm, group in groups.items()):
        return spread
    spread.placed.clear()
    return spread


def _spread_over_two(spread: GroupSpread, sizes: Mapping[str, int], groups: Mapping[str, str]) -> GroupSpread:
    """Place only what a group needs to be on two hosts."""
    for vm, group in groups.items():
        without = [host for host, count in spread.counts[group].items() if count == 0]
        if len(spread.free) - len(without) < APART_ON:
            spread.put(vm, sizes[vm], group, without)
    return spread
