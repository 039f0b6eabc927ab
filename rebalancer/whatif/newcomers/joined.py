"""A pool in which newcomers run: inventory, demand and problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile, Quality, Series
from rebalancer.demand.flows import Flow, FlowKey
from rebalancer.demand.profile import rounded_up
from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import Placement, current_placement, current_placement_with_disks
from rebalancer.policy.resolve import intent_of
from rebalancer.problem import Problem
from rebalancer.units import HOURS_A_DAY
from rebalancer.whatif.newcomers.newcomer import Newcomer

T = TypeVar("T")


def joined_pool(pool: Pool, coming: Sequence[Newcomer], hosts: Sequence[Uuid]) -> Pool:
    """*pool* once each of *coming* runs on its host, with the disks that were made for it."""
    vms = {each.vm.uuid: replace(each.vm, resident_on=host) for each, host in zip(coming, hosts, strict=True)}
    disks = {disk.uuid: disk for each in coming for disk in each.disks}
    groups = {
        uuid: replace(group, vms=(*group.vms, *sorted(new)))
        for uuid, group in pool.vm_groups.items()
        if (new := {vm for vm, each in vms.items() if uuid in each.groups} - set(group.vms))
    }
    taken = _taken(coming)
    srs = {
        uuid: replace(sr, physical_utilisation_bytes=sr.physical_utilisation_bytes + taken[uuid])
        for uuid, sr in pool.srs.items()
        if uuid in taken
    }
    return replace(
        pool,
        vms=dict(sorted({**pool.vms, **vms}.items())),
        vdis=dict(sorted({**pool.vdis, **disks}.items())),
        srs={**pool.srs, **srs},
        vm_groups={**pool.vm_groups, **groups},
    )


def _taken(coming: Sequence[Newcomer]) -> dict[Uuid, int]:
    found: dict[Uuid, int] = {}
    for each in coming:
        for disk in each.disks:
            found[disk.sr] = found.get(disk.sr, 0) + disk.physical_utilisation_bytes
    return found


def joined_demand(profile: LoadProfile, coming: Sequence[Newcomer]) -> LoadProfile:
    """*profile* with the load of each of *coming*; VMs stay sorted by uuid, and those it knows are given it anew."""
    vms = [each.vm.uuid for each in coming]
    kept = [row for row, vm in enumerate(profile.vms) if vm not in set(vms)]
    names = (*(profile.vms[row] for row in kept), *vms)
    order = sorted(range(len(names)), key=names.__getitem__)

    def rows(known: NDArray[np.float64], new: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        stacked: NDArray[np.float64] = np.vstack([known[kept], *(row[None] for row in new)])[order]
        return stacked

    peaks, hours = profile.vm_deviation_pcpu, profile.series
    like = {each.vm.uuid: profile.vms[row] for each in coming if (row := each.row_in(profile)) is not None}
    return replace(
        profile,
        vms=tuple(names[place] for place in order),
        vm_pcpu=rows(profile.vm_pcpu, [each.load_in(profile) for each in coming]),
        vm_deviation_pcpu=None if peaks is None else rows(peaks, [_peaks(each, profile) for each in coming]),
        series=hours and replace(hours, vm_pcpu=rows(hours.vm_pcpu, [_hours(each, profile, hours) for each in coming])),
        quality={**profile.quality, **{vm: profile.quality[like[vm]] if vm in like else Quality.SHORT for vm in vms}},
        memory_used={**profile.memory_used, **_as_theirs(profile.memory_used, like)},
        waited={**profile.waited, **_as_theirs(profile.waited, like)},
        flows=tuple(
            sorted((*profile.flows, *(flow for each in coming for flow in each.flows_in(profile))), key=_by_key)
        ),
    )


def _by_key(flow: Flow) -> FlowKey:
    return flow.key


def _as_theirs(known: Mapping[Uuid, T], like: Mapping[Uuid, Uuid]) -> dict[Uuid, T]:
    return {vm: known[theirs] for vm, theirs in like.items() if theirs in known}


def _peaks(newcomer: Newcomer, profile: LoadProfile) -> NDArray[np.float64]:
    """How far its peaks are above its usual load; a size says all of its load."""
    row, peaks = newcomer.row_in(profile), profile.vm_deviation_pcpu
    return np.zeros(profile.slots) if row is None or peaks is None else peaks[row]


def _hours(newcomer: Newcomer, profile: LoadProfile, series: Series) -> NDArray[np.float64]:
    """Its hours in the window: those of the VM that it is like, or the hours of its day over and over."""
    row = newcomer.row_in(profile)
    if row is not None:
        hours: NDArray[np.float64] = series.vm_pcpu[row]
        return hours
    day = newcomer.load_in(profile)[:HOURS_A_DAY]
    first = profile.window_start.astimezone(ZoneInfo(profile.timezone)).hour
    return rounded_up(np.resize(np.roll(day, -first), series.hours).astype(np.float64))


def joined_problem(problem: Problem, coming: Sequence[Newcomer], hosts: Sequence[Uuid]) -> Problem:
    """*problem* in which each of *coming* runs on its host, for what rules say of that.

    Where it all began they were not there: what hosts held then, and which failures were outlived, is told without
    them.

    Raises:
        PolicyError: the policy contradicts itself once they are there.
    """
    pool = joined_pool(problem.pool, coming, hosts)
    wanted = intent_of(problem.policy, pool)
    intent = replace(wanted, last_resort={**problem.intent.last_resort, **wanted.last_resort})
    placed = current_placement_with_disks if problem.policy.storage_motion.enabled else current_placement
    demand = None if problem.demand is None else replace(joined_demand(problem.demand, coming), series=None)
    return replace(
        problem, pool=pool, demand=demand, intent=intent, initial=placed(pool), before=without(problem.start, coming)
    )


def without(placement: Placement, coming: Sequence[Newcomer]) -> Placement:
    """*placement* but for those of *coming*."""
    new = {each.vm.uuid for each in coming}
    return Placement(
        {vm: host for vm, host in placement.host_of.items() if vm not in new},
        {vm: srs for vm, srs in placement.srs_of.items() if vm not in new},
    )
