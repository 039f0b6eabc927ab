"""How far a plan has come, by what a pool shows: the steps that are made, and how far each VM is on its way.

In another pool the drives and disks of a VM have new uuids: there disks are known by their names and SRs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.placement import Placement, disks_of
from rebalancer.plan.document import digest_of
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step


@dataclass(frozen=True, slots=True)
class Way:
    """The steps of one VM, in their order."""

    steps: tuple[Step, ...]

    @property
    def vm(self) -> Uuid:
        """The VM that goes this way."""
        return self.steps[0].vm

    def place(self, count: int) -> Placement:
        """Where the VM is once *count* steps are made, and the SRs of those disks of it that the plan moves."""
        srs = {disk.drive: disk.source for step in reversed(self.steps) for disk in step.disks}
        srs |= {disk.drive: disk.target for step in self.steps[:count] for disk in step.disks}
        host = self.steps[count - 1].target if count else self.steps[0].source
        return Placement({self.vm: host}, {self.vm: srs} if srs else {})

    def reached(self, pool: Pool) -> int | None:
        """How many steps have brought the VM exactly to where it is in *pool*; None where none has."""
        last = self.steps[-1]
        if has_crossed(last, pool):
            return len(self.steps) if is_as_brought(last, pool) else None
        if self._is_home_again(pool):
            return 0
        drives = self.place(0).srs_of.get(self.vm, {})
        srs = {drive: sr for drive, sr in _srs_by_drive(self.vm, pool).items() if drive in drives}
        here = Placement({self.vm: host_of(self.vm, pool) or ""}, {self.vm: srs} if srs else {})
        return next((count for count in range(len(self.steps) + 1) if self.place(count) == here), None)

    def counted(self, done: Collection[str]) -> int:
        """How many steps are made once those in *done* are."""
        return max((number for number, step in enumerate(self.steps, start=1) if step.id in done), default=0)

    def _is_home_again(self, pool: Pool) -> bool:
        """Whether the VM is back from another pool, its disks, by whatever uuids, on the SRs that they left."""
        last = self.steps[-1]
        is_back = last.crossing is not None and host_of(self.vm, pool) == self.steps[0].source
        return is_back and _disks_by_name(self.vm, pool) == Counter((disk.name, disk.source) for disk in last.disks)


def ways(plan: Plan) -> tuple[Way, ...]:
    """The way of each VM of *plan*, in the order in which they begin to move."""
    found: dict[Uuid, list[Step]] = {}
    for step in plan.steps:
        found.setdefault(step.vm, []).append(step)
    return tuple(Way(tuple(steps)) for steps in found.values())


def is_done(plan: Plan, pool: Pool) -> bool:
    """Whether every VM of *plan* is in *pool* where its last step leads, disks included.

    Never of a plan without steps, of one that was edited, or in another pool.
    """
    if not plan.steps or digest_of(plan) != plan.digest or not plan.made_from.is_of(pool):
        return False
    return all(way.reached(pool) == len(way.steps) for way in ways(plan))


def made_already(plan: Plan, pool: Pool, done: Collection[str] = ()) -> frozenset[str]:
    """Ids of the steps that need not be made: their VM is on their target with its disks, or further on its way.

    A VM that steps aside and comes home is on the target of its last step before it leaves: it has come so far only if
    one of its steps is among those known to be *done*.
    """
    found: set[str] = set()
    for way in ways(plan):
        if way.reached(pool) != 0 or way.counted(done):
            arrived = [step.id for step in way.steps if has_arrived(step, pool)]
            found.update(step.id for step in way.steps[: way.counted(arrived)])
    return frozenset(found)


def has_arrived(step: Step, pool: Pool) -> bool:
    """Whether the VM of *step* is on its target, and its disks are on their new SRs."""
    return host_of(step.vm, pool) == step.target and not tuple(left_behind(step, pool))


def has_crossed(step: Step, pool: Pool) -> bool:
    """Whether *step* leads to another pool, and its VM runs where it leads."""
    return step.crossing is not None and host_of(step.vm, pool) == step.target


def is_as_brought(step: Step, pool: Pool) -> bool:
    """Whether the VM of *step*, which has crossed, has the disks that came along, on the SRs where they came."""
    return _disks_by_name(step.vm, pool) == Counter((disk.name, disk.target) for disk in step.disks)


def left_behind(step: Step, pool: Pool) -> Iterator[str]:
    """Disks of *step* that are not on their new SRs, in words."""
    if step.crossing:
        yield from _not_along(step, pool)
        return
    srs = _srs_by_drive(step.vm, pool)
    for disk in step.disks:
        sr = srs.get(disk.drive)
        if sr != disk.target:
            name = Names(pool).srs.get(sr or "", "no SR")
            yield f"disk {disk.name} is on {name}, not on {disk.target_name}"


def host_of(vm: Uuid, pool: Pool) -> Uuid | None:
    """The host of *pool* that *vm* occupies."""
    found = pool.vms.get(vm)
    return found.resident_on if found and found.resident_on in pool.hosts else None


def _not_along(step: Step, pool: Pool) -> Iterator[str]:
    """SRs of another pool that hold fewer disks of the VM of *step* than were to come, in words."""
    there = Counter(_srs_by_drive(step.vm, pool).values())
    names = {disk.target: disk.target_name for disk in step.disks}
    for sr, count in Counter(disk.target for disk in step.disks).items():
        if there[sr] < count:
            yield f"of {count} disks for {names[sr]} only {there[sr]} are there"


def _srs_by_drive(vm: Uuid, pool: Pool) -> dict[Uuid, Uuid]:
    return {drive.uuid: disk.sr for drive, disk in disks_of(pool.vms[vm], pool)} if vm in pool.vms else {}


def _disks_by_name(vm: Uuid, pool: Pool) -> Counter[tuple[str, Uuid]]:
    return Counter((disk.name, disk.sr) for _, disk in disks_of(pool.vms[vm], pool))
