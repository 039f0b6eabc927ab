"""The moves that take back what a plan has done in a pool so far, and the VMs that nothing brings back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.placement import Migration, Placement
from rebalancer.plan.plan import Plan
from rebalancer.plan.progress import Way, host_of, ways
from rebalancer.plan.step import Step
from rebalancer.problem import pool_at
from rebalancer.undo.other_pool import way_home, why_not_home


@dataclass(frozen=True, slots=True, kw_only=True)
class MovesBack:
    """A pool, and the move back of each VM that a plan has brought away in it.

    `strays` says of its other VMs, in words, why nothing brings them back.
    """

    pool: Pool
    moves: Mapping[Uuid, Migration]
    strays: tuple[str, ...]


def moves_back(plan: Plan, pool: Pool, done: Collection[str] = ()) -> MovesBack:
    """The moves back of *plan* in *pool* once the steps *done* are done as well.

    What *pool* shows counts: a VM that runs where a step of its own leads, disks included, has come so far. Where
    *done* says that it came further, it is taken to be there.
    """
    crossing = tuple(step for step in plan.steps if step.crossing)
    all_ways = ways(plan)
    seen = {way: way.reached(pool) for way in all_ways}
    reached = {way: max(count, way.counted(done)) for way, count in seen.items() if count is not None}
    moves = {way.vm: _back(way, count, crossing, pool) for way, count in sorted(reached.items(), key=lambda i: i[0].vm)}
    hosts: dict[Uuid, Uuid] = {}
    srs: dict[Uuid, Mapping[Uuid, Uuid]] = {}
    for place in [way.place(count) for way, count in reached.items() if count != seen[way]]:
        hosts |= place.host_of
        srs |= place.srs_of
    return MovesBack(
        pool=pool_at(pool, Placement(hosts, srs)),
        moves={vm: move for vm, move in moves.items() if move and move.target in pool.hosts},
        strays=tuple(words for way in all_ways if (words := _lost(way, reached.get(way), crossing, pool))),
    )


def _back(way: Way, count: int, crossing: Sequence[Step], pool: Pool) -> Migration | None:
    """The move back once *count* steps are made; None where the VM is home, and where nobody can tell it."""
    last = way.steps[-1]
    if last.crossing and count == len(way.steps):
        known = not why_not_home(last, crossing, pool)
        return way_home(last, way.steps[0].source, pool) if known else None
    return next(iter(way.place(count).moves_to(way.place(0))), None)


def _lost(way: Way, reached: int | None, crossing: Sequence[Step], pool: Pool) -> str:
    first, host = way.steps[0], host_of(way.vm, pool)
    if host is None:
        return f"VM {first.vm_name} does not run here any more: nothing brings it back to {first.source_name}"
    at = way.place(reached)[way.vm] if reached else host
    over = next((step for step in way.steps if step.crossing and at == step.target), None)
    if over and over.crossing and (why := why_not_home(over, crossing, pool)):
        return f"VM {first.vm_name} stays in pool {over.crossing.pool_name}: {why}"
    if reached is None:
        what = "somebody else has moved it, or disks of it, and it stays"
        return f"VM {first.vm_name} is on {Names(pool).hosts[host]}, and not as the plan left it: {what}"
    if reached and first.source not in pool.hosts:
        return f"VM {first.vm_name} stays: its host {first.source_name} is gone"
    return ""
