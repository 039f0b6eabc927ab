"""A plan with something of everything, whose files are kept."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.plan import Plan, sealed
from rebalancer.planner.rebalance import rebalance
from rebalancer.rules import Rulebook
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, MADE_AT, demand_of, pool_with
from tests.pools import policy_of, problem_of


def golden_plan() -> Plan:
    """Something of everything: a hot host, a pair to part, a VM that stays; solved with the default seed."""
    pool = pool_with(
        {"h1": 40, "h2": 30, "h3": 30},
        {
            "app|1": ("h1", 8),
            "batch": ("h1", 12),
            "pinned": ("h1", 4),
            "web-1": ("h2", 6),
            "web-2": ("h2", 4),
            "mail": ("h3", 10),
        },
    )
    demand = demand_of(pool, {"app|1": 6.0, "batch": 5.0, "pinned": 14.0, "web-1": 2.0, "web-2": 2.0, "mail": 3.0})
    policy = policy_of(
        name="nightly", apart=[{"name": "web", "vms": ["web-1", "web-2"]}], never_move=["pinned"], rules={"relax": []}
    )
    plan = rebalance(Rulebook.of(problem_of(pool, demand=demand, policy=policy)), made_at=MADE_AT)
    assert verify_plan(plan, pool, demand, now=LATER) == ()
    versions = dict.fromkeys(plan.made_from.versions, "0")
    return sealed(replace(plan, made_from=replace(plan.made_from, versions=versions)))
