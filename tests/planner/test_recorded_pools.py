"""Pools as XAPI recorded them, troubles and all: whatever has an order becomes a plan that verifies."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from rebalancer.inventory import Pool, pool_from_records
from rebalancer.order.order import Order, find_order
from rebalancer.rules import Rulebook
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, plan_of
from tests.pools import policy_of, problem_of
from tests.verify.played import wandered

QUICK = ("healthy", "ha-plan-tight", "memory-in-flight", "moved-2", "random-3", "versions-rolling-upgrade")
GOALS = 4
SHARES = 6


def recorded(path: Path) -> Pool:
    """A recorded pool."""
    return pool_from_records(json.loads(gzip.decompress(path.read_bytes()))["records"])


def check(pool: Pool) -> int:
    """Plan several goals in *pool*; how many steps that took."""
    problem = problem_of(pool, policy=policy_of(rules={"set": "enforced"}))
    chance = random.Random(1)
    steps = 0
    for _ in range(GOALS):
        goal = wandered(problem, chance)
        if isinstance(find_order(Rulebook.of(problem), goal, seed=1), Order):
            plan = plan_of(problem, goal, tiers=("repair", "migration-cost"))
            assert verify_plan(plan, pool, now=LATER) == ()
            steps += len(plan.steps)
    return steps


@pytest.mark.parametrize("name", QUICK)
def test_plans_for_recorded_pools_verify(name: str, shared_data: Callable[[str], Path]) -> None:
    """Random legal goals: the plan is accepted, with HA on, moves under way, or an upgrade half done."""
    assert check(recorded(shared_data(f"xapi-verdicts/{name}.json.gz"))) > 0


@pytest.mark.slow
@pytest.mark.parametrize("first", range(SHARES))
def test_plans_for_every_recorded_pool_verify(first: int, shared_data: Callable[[str], Path]) -> None:
    """All recorded pools, every so many in one test."""
    for path in sorted(shared_data("xapi-verdicts").glob("*.json.gz"))[first::SHARES]:
        check(recorded(path))
