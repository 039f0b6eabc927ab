"""Nearly full pools are ordered, or proven to have no order."""

from __future__ import annotations

import random
from functools import cache

import pytest

from rebalancer.order.order import Deadlock, Order, find_order
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.verify.verify import verify_plan
from tests.order.tight import tight_task
from tests.plan.made import LATER, plan_along

CASES = 200
SHARE = 10
IMPOSSIBLE = {20, 85, 105, 125, 150, 160}


@cache
def cases(number: int) -> list[tuple[Problem, Placement]]:
    """The first *number* cases: four to eight hosts at 92 % fill, VMs of 8 to 32 of 128 GiB, nearly all moving."""
    chance = random.Random(5)
    return [tight_task(4 + each % 5, chance) for each in range(number)]


def has_order(problem: Problem, goal: Placement) -> bool:
    """Whether there is an order, which becomes a plan that verifies, or proof that there is none."""
    answer = find_order(Rulebook.of(problem), goal, seed=1)
    if isinstance(answer, Order):
        assert verify_plan(plan_along(problem, goal, answer.migrations), problem.pool, now=LATER) == ()
        return True
    assert isinstance(answer, Deadlock)
    assert answer.proved
    return False


def test_some_nearly_full_pools_are_ordered() -> None:
    """All of the first ten cases."""
    assert all(has_order(*case) for case in cases(10))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, CASES, SHARE))
def test_every_nearly_full_pool_is_decided(first: int) -> None:
    """All have an order but six: there the largest VM needs more room than any packing leaves on its last host."""
    share = range(first, first + SHARE)
    hopeless = {number for number in share if not has_order(*cases(CASES)[number])}
    assert hopeless == IMPOSSIBLE & set(share)
