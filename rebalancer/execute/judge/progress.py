"""What of a plan is done already, by what the pool shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from rebalancer.execute.run.carrying import has_arrived, has_not_left
from rebalancer.inventory import VBD, Pool, Uuid
from rebalancer.placement import Placement
from rebalancer.plan import Plan, StepDisk
from rebalancer.problem import pool_at


def already_there(plan: Plan, pool: Pool, done: Collection[str] = ()) -> frozenset[str]:
    """Ids of the steps that need not be made: their VM is on their target with its disks, or further on its way.

    A VM that steps aside and comes home is on the target of its last step before it leaves: it has come so far only if
    one of its steps is among those known to be *done*.
    """
    found: set[str] = set()
    for vm in {step.vm for step in plan.steps}:
        way = [step for step in plan.steps if step.vm == vm]
        if not has_not_left(way, pool) or any(step.id in done for step in way):
            reached = [number for number, step in enumerate(way, start=1) if has_arrived(step, pool)]
            found.update(step.id for step in way[: max(reached, default=0)])
    return frozenset(found)


def undone(plan: Plan, done: Collection[str], pool: Pool) -> Pool:
    """*pool* with the VMs of the steps in *done* back where they began: what is left to differ is not our doing.

    A VM that is in another pool by now stays there: its disks, drives and interfaces are others than they were.
    """
    began = {step.vm: step.source for step in reversed(plan.steps) if step.id in done and not step.crossing}
    ended = {step.vm: step.target for step in plan.steps if step.id in done}
    back = {vm: host for vm, host in began.items() if vm in pool.vms and pool.vms[vm].resident_on == ended[vm]}
    carried = [step for step in plan.steps if step.id in done and step.vm in back and step.disks]
    srs = {step.vm: {disk.drive: disk.source for disk in step.disks} for step in carried}
    return _renamed(pool_at(pool, Placement(back, srs)), [disk for step in carried for disk in step.disks])


def _renamed(pool: Pool, disks: Sequence[StepDisk]) -> Pool:
    """*pool* with the copies in the drives of *disks* called as their originals were."""
    was = {disk.drive: disk.disk for disk in disks}
    drives = {drive.uuid: drive.vdi for vm in pool.vms.values() for drive in vm.vbds if drive.uuid in was}
    names = {now: was[drive] for drive, now in drives.items() if now is not None and now in pool.vdis}
    if not names:
        return pool
    vdis = {names.get(uuid, uuid): replace(vdi, uuid=names.get(uuid, uuid)) for uuid, vdi in pool.vdis.items()}
    vms = {uuid: replace(vm, vbds=tuple(_filled(drive, names) for drive in vm.vbds)) for uuid, vm in pool.vms.items()}
    return replace(pool, vdis=dict(sorted(vdis.items())), vms=vms)


def _filled(drive: VBD, names: Mapping[Uuid, Uuid]) -> VBD:
    """*drive* with the original of its copy."""
    return replace(drive, vdi=names.get(drive.vdi or "", drive.vdi))
