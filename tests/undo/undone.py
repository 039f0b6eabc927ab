"""Three moves that are taken back, from wherever they have come to."""

from __future__ import annotations

from rebalancer.inventory import Pool
from rebalancer.placement import Placement
from rebalancer.plan import Plan
from rebalancer.problem import Problem, pool_at
from tests.plan.made import demand_of, goal_of, plan_of, pool_with
from tests.pools import problem_of


def three() -> Problem:
    """`b` leaves h2 for `a`; `c` goes its own way."""
    pool = pool_with({"h1": 10, "h2": 10, "h3": 20}, {"a": ("h1", 8), "b": ("h2", 8), "c": ("h1", 1)})
    return problem_of(pool, demand=demand_of(pool, {"a": 6.0, "b": 0.3, "c": 0.1}))


def whole() -> Plan:
    """All three moves."""
    return plan_of(three(), goal_of(three(), a="h2", b="h3", c="h3"))


def at(pool: Pool, **hosts: str) -> Pool:
    """*pool* with some VMs on other hosts."""
    return pool_at(pool, Placement(hosts))
