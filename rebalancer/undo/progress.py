"""How far a plan has come in a pool: which of its VMs are away from home, and which somebody else has moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import DiskMove, Move, Placement, current_placement_with_disks
from rebalancer.plan.document import digest_of
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step
from rebalancer.problem import pool_at
from rebalancer.undo.other_pool import has_crossed, is_as_brought, is_home, way_home, why_not_home


@dataclass(frozen=True, slots=True, kw_only=True)
class Halfway:
    """A moment of a plan, in a pool: `home` has the move back of each VM that the plan has brought away.

    `strays` says of its other VMs, in words, why nothing brings them back.
    """

    pool: Pool
    home: Mapping[Uuid, Move]
    strays: tuple[str, ...]


def halfway(plan: Plan, pool: Pool, done: Collection[str] = ()) -> Halfway:
    """The moment in which *plan* is in *pool* once the steps *done* are done as well.

    What *pool* shows counts: a VM that runs where a step of its own leads, disks included, has come so far. Where
    *done* says that it came further, it is taken to be there.
    """
    here = current_placement_with_disks(pool)
    ways = _ways(plan)
    seen = {way: way.reached(here, pool) for way in ways}
    reached = {way: max(count, way.length(done)) for way, count in seen.items() if count is not None}
    moves = {way.vm: way.back(count, pool) for way, count in sorted(reached.items(), key=lambda item: item[0].vm)}
    return Halfway(
        pool=pool_at(pool, _placement([way.place(count) for way, count in reached.items() if count != seen[way]])),
        home={vm: move for vm, move in moves.items() if move and move.source != move.target in pool.hosts},
        strays=tuple(words for way in ways if (words := way.lost(here, pool, reached.get(way)))),
    )


def is_done(plan: Plan, pool: Pool) -> bool:
    """Whether every VM of *plan* is in *pool* where its last step leads, disks included.

    Never of a plan without steps, of one that was edited, or in another pool.
    """
    if not plan.steps or digest_of(plan) != plan.digest or not plan.made_from.is_of(pool):
        return False
    here = current_placement_with_disks(pool)
    return all(way.reached(here, pool) == len(way.steps) for way in _ways(plan))


def _ways(plan: Plan) -> tuple[_Way, ...]:
    """The steps of each VM, in the order in which they begin to move."""
    crossing = tuple(step for step in plan.steps if step.crossing)
    return tuple(
        _Way(tuple(step for step in plan.steps if step.vm == vm), crossing)
        for vm in dict.fromkeys(step.vm for step in plan.steps)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a VM is, and the SRs of those disks of it that the plan moves."""

    vm: Uuid
    host: Uuid
    srs: Mapping[Uuid, Uuid]


def _placement(places: Collection[_Place]) -> Placement:
    """All of *places*."""
    return Placement({each.vm: each.host for each in places}, {each.vm: each.srs for each in places if each.srs})


@dataclass(frozen=True, slots=True)
class _Way:
    """The steps of one VM, in their order; `crossing` are all steps of the plan that lead to another pool."""

    steps: tuple[Step, ...]
    crossing: tuple[Step, ...]

    @property
    def vm(self) -> Uuid:
        """Whose they are."""
        return self.steps[0].vm

    def place(self, count: int) -> _Place:
        """Where the VM is once *count* of them are done."""
        srs = {disk.drive: disk.source for step in self.steps for disk in step.disks}
        srs |= {disk.drive: disk.target for step in self.steps[:count] for disk in step.disks}
        host = self.steps[count - 1].target if count else self.steps[0].source
        return _Place(vm=self.vm, host=host, srs=srs)

    def reached(self, here: Placement, pool: Pool) -> int | None:
        """How many of them have brought it to where it is in *here*, which is *pool*; None where none has."""
        if has_crossed(self.steps[-1], pool):
            return len(self.steps) if is_as_brought(self.steps[-1], pool) else None
        if is_home(self.steps[-1], self.steps[0].source, pool):
            return 0
        drives = self.place(0).srs
        srs = {drive: sr for drive, sr in here.srs_of.get(self.vm, {}).items() if drive in drives}
        there = _Place(vm=self.vm, host=here.host_of.get(self.vm, ""), srs=srs)
        return next((count for count in range(len(self.steps) + 1) if self.place(count) == there), None)

    def length(self, done: Collection[str]) -> int:
        """How many of them are done once *done* are."""
        return max((number for number, step in enumerate(self.steps, start=1) if step.id in done), default=0)

    def back(self, count: int, pool: Pool) -> Move | None:
        """The way home once *count* of them are done; None from another pool where nobody can tell it."""
        last = self.steps[-1]
        if last.crossing and count == len(self.steps):
            known = not why_not_home(last, self.crossing, pool)
            return way_home(last, self.steps[0].source, pool) if known else None
        here, home = self.place(count), self.place(0)
        disks = tuple(
            DiskMove(drive=drive, source=here.srs[drive], target=home.srs[drive])
            for drive in sorted(here.srs)
            if here.srs[drive] != home.srs[drive]
        )
        return Move(vm=self.vm, source=here.host, target=home.host, disks=disks)

    def lost(self, here: Placement, pool: Pool, reached: int | None) -> str:
        """Why the VM is not brought home, in words; "" where it may be."""
        first, host = self.steps[0], here.host_of.get(self.vm)
        if host is None:
            return f"VM {first.vm_name} does not run here any more: nothing brings it back to {first.source_name}"
        at = self.place(reached).host if reached else host
        over = next((step for step in self.steps if step.crossing and at == step.target), None)
        if over and over.crossing and (why := why_not_home(over, self.crossing, pool)):
            return f"VM {first.vm_name} stays in pool {over.crossing.pool_name}: {why}"
        if reached is None:
            name = pool.hosts[host].name if host in pool.hosts else host
            what = "somebody else has moved it, or disks of it, and it stays"
            return f"VM {first.vm_name} is on {name}, and not as the plan left it: {what}"
        if reached and first.source not in pool.hosts:
            return f"VM {first.vm_name} stays: its host {first.source_name} is gone"
        return ""
