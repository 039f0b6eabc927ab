"""What of a plan is done already, by what the pool shows."""

from __future__ import annotations

from collections.abc import Collection

from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import Move, Placement
from rebalancer.plan import Plan, Step
from rebalancer.plan.elsewhere import pool_at


def move_of(step: Step) -> Move:
    """The move that *step* makes."""
    return Move(vm=step.vm, source=step.source, target=step.target)


def already_there(plan: Plan, pool: Pool) -> frozenset[str]:
    """Ids of the steps that need not be made: their VM is on their target, or further on its way."""
    found: set[str] = set()
    way: dict[Uuid, list[str]] = {}
    for step in plan.steps:
        way.setdefault(step.vm, []).append(step.id)
        if step.vm in pool.vms and pool.vms[step.vm].resident_on == step.target:
            found.update(way[step.vm])
    return frozenset(found)


def undone(plan: Plan, done: Collection[str], pool: Pool) -> Pool:
    """*pool* with the VMs of the steps in *done* back where they began: what is left to differ is not our doing."""
    began = {step.vm: step.source for step in reversed(plan.steps) if step.id in done}
    ended = {step.vm: step.target for step in plan.steps if step.id in done}
    back = {vm: host for vm, host in began.items() if vm in pool.vms and pool.vms[vm].resident_on == ended[vm]}
    return pool_at(pool, Placement(back))
