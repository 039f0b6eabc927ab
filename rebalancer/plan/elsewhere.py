"""The same pool with its guests and their disks somewhere else: what rules are asked about a state to come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rebalancer.inventory import VDI, Pool, Uuid
from rebalancer.placement import Placement, current_placement_with_disks, disks_of
from rebalancer.problem import Problem


def pool_at(pool: Pool, placement: Placement) -> Pool:
    """*pool* once its guests, and the disks of which it speaks, are where *placement* says."""
    moved = {
        vm: replace(pool.vms[vm], resident_on=host)
        for vm, host in placement.host_of.items()
        if pool.vms[vm].resident_on != host
    }
    there = replace(pool, vms={**pool.vms, **moved}) if moved else pool
    for disk, sr in tuple(_elsewhere(pool, placement)):
        there = _with_disk(there, disk, sr)
    return there


def _elsewhere(pool: Pool, placement: Placement) -> Iterator[tuple[VDI, Uuid]]:
    """Disks that *placement* has on another SR than *pool*, with that SR."""
    for vm, srs in placement.srs_of.items():
        for drive, disk in disks_of(pool.vms[vm], pool):
            if srs.get(drive.uuid, disk.sr) != disk.sr:
                yield disk, srs[drive.uuid]


def _with_disk(pool: Pool, disk: VDI, sr: Uuid) -> Pool:
    """*pool* with a disk and its snapshots copied to *sr* in full, and what the disk filled free on its old SR."""
    moving = [each for each in pool.vdis.values() if disk.uuid in {each.uuid, each.snapshot_of}]
    copies = {each.uuid: replace(each, sr=sr, physical_utilisation_bytes=each.virtual_size_bytes) for each in moving}
    taken = sum(copy.virtual_size_bytes for copy in copies.values())
    used = {sr: taken, disk.sr: -disk.physical_utilisation_bytes}
    srs = {
        uuid: replace(pool.srs[uuid], physical_utilisation_bytes=pool.srs[uuid].physical_utilisation_bytes + more)
        for uuid, more in used.items()
        if uuid in pool.srs
    }
    return replace(pool, vdis={**pool.vdis, **copies}, srs={**pool.srs, **srs})


def problem_at(problem: Problem, placement: Placement) -> Problem:
    """*problem* as it stands once its guests are where *placement* says; disks of which it does not speak stay.

    It remembers where its guests were at the start.
    """
    pool = pool_at(problem.pool, placement)
    if problem.initial.srs_of:
        placement = replace(placement, srs_of=current_placement_with_disks(pool).srs_of)
    return replace(problem, pool=pool, initial=placement, before=problem.start)
