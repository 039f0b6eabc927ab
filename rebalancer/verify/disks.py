"""Where the disks of a plan start and end, held against the pool and against the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import Placement
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step, StepKind


def misplaced_disks(step: Step, here: Placement, moved: set[Uuid], pool: Pool) -> Iterator[str]:
    """Why the disks of *step* cannot go where it says from where everything is now; *moved* have gone before.

    A VM takes disks along only to its last host, and each disk once: the way back is sized for that.
    """
    drives = [disk.drive for disk in step.disks]
    if step.disks and step.kind is StepKind.HOP:
        yield "a hop takes no disks along"
    if drives != sorted(set(drives)):
        yield "its disks do not stand in their order, each once"
    for disk in step.disks:
        there = here.srs_of.get(step.vm, {}).get(disk.drive)
        if there is None:
            yield f"VM {step.vm_name} has no drive {disk.drive} with a disk that the policy lets move"
        elif there != disk.source:
            yield f"disk {disk.name} of VM {step.vm_name} is not on SR {disk.source_name}"
        if disk.target not in pool.srs:
            yield f"the pool has no SR {disk.target_name} ({disk.target})"
        if disk.target == disk.source:
            yield f"disk {disk.name} goes from SR {disk.source_name} to where it is"
        if disk.drive in moved:
            yield f"disk {disk.name} has moved in an earlier step"


def astray(plan: Plan, end: Placement, done: Collection[str]) -> Iterator[str]:
    """Disks that do not end where *plan* says; in another pool they have other drives once their step is *done*."""
    renamed = {disk.drive for step in plan.steps if step.crossing and step.id in done for disk in step.disks}
    names = {disk.drive: disk.name for step in plan.steps for disk in step.disks}
    srs: dict[Uuid | None, str] = {row.uuid: row.name for row in plan.srs}
    said = {drive: row.uuid for row in plan.srs for drive in row.gains}
    there = dict(pair for srs_of in end.srs_of.values() for pair in srs_of.items())
    for drive in sorted({*names, *said} - renamed):
        if said.get(drive) != there.get(drive):
            ends, wanted = there.get(drive), said.get(drive)
            yield f"disk {names.get(drive, drive)} is on SR {srs.get(ends, ends)}, not on {srs.get(wanted, wanted)}"
