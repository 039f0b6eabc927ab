"""Three moves, two of which depend on each other, and parts of their plan."""

from __future__ import annotations

from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.problem import Problem
from rebalancer.undo.partial import without_steps
from tests.plan.made import demand_of, goal_of, plan_of, pool_with
from tests.pools import problem_of


def three() -> Problem:
    """`b` leaves h2 for `a`; `c` goes its own way."""
    pool = pool_with({"h1": 10, "h2": 10, "h3": 20}, {"a": ("h1", 8), "b": ("h2", 8), "c": ("h1", 1)})
    return problem_of(pool, demand=demand_of(pool, {"a": 6.0, "b": 0.3333337, "c": 0.1111117}))


def whole() -> Plan:
    """All three moves, with objectives."""
    return plan_of(three(), goal_of(three(), a="h2", b="h3", c="h3"), tiers=("repair", "balance"))


def named(plan: Plan, vm: str) -> str:
    """The first step of a VM."""
    return next(step.id for step in plan.steps if step.vm == vm)


def part(*vms: str, pool: Pool | None = None, plan: Plan | None = None) -> Plan:
    """What is left without some VMs."""
    made = plan or whole()
    return without_steps(made, [named(made, vm) for vm in vms], pool or three().pool, reason="not tonight")
