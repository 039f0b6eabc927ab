"""A pool in which a swap has no order."""

from __future__ import annotations

from rebalancer.problem import Problem
from tests.plan.made import demand_of, pool_with
from tests.pools import policy_of, problem_of


def stuck(**policy: object) -> Problem:
    """`big` and `small` want each other's host and cannot be parked; `hot` may leave `warm` on h3 for h4."""
    pool = pool_with(
        {"h1": 20, "h2": 20, "h3": 5, "h4": 5},
        {"big": ("h1", 12), "small": ("h2", 10), "hot": ("h3", 2), "warm": ("h3", 2), "idle": ("h1", 2)},
    )
    return problem_of(pool, demand=demand_of(pool, {"hot": 9.0, "warm": 9.0}), policy=policy_of(**policy))


WANTED = {"big": "h2", "small": "h1", "hot": "h4"}
