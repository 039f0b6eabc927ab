"""Reasons of steps, held against the plan: their figures have to be right; earlier versions had fewer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.describe.reasons import Reasons
from rebalancer.plan import Plan, sealed
from rebalancer.rules import Rulebook
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, demand_of, goal_of, plan_of, pool_with
from tests.pools import problem_of

POOL = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 4)})
DEMAND = demand_of(POOL, {"a": 9.0, "b": 3.0})
PROBLEM = problem_of(POOL, demand=DEMAND)
PLAN = plan_of(PROBLEM, goal_of(PROBLEM, b="h2"))


def saying(why: str) -> Plan:
    """The plan with another reason for its step."""
    return sealed(replace(PLAN, steps=(replace(PLAN.steps[0], why=why),)))


def accepted(plan: Plan) -> bool:
    """Whether nothing speaks against *plan*."""
    return verify_plan(plan, POOL, DEMAND, now=LATER) == ()


def test_reasons_are_accepted_as_they_are_made_and_as_they_were() -> None:
    """Plans of earlier versions say how hot the source is, and no more."""
    step = PLAN.steps[0]
    (before,) = Reasons(Rulebook.of(PROBLEM), PLAN.predicted).without_figures([step.migration])
    assert before == "relieves h1, at 104% of its threshold at 14:00 UTC"
    assert accepted(PLAN)
    assert accepted(saying(before))


def test_why_a_target_is_the_word_of_the_maker() -> None:
    """Within the words that there are for it."""
    own = PLAN.steps[0].why
    assert accepted(saying(own.replace("the only host", "one of 7 hosts")))
    assert not accepted(saying(own.replace("the only host", "the best host")))


@pytest.mark.parametrize(("right", "wrong"), [("19%", "29%"), ("59%", "49%"), ("3% ->", "9% ->"), ("h2 3%", "h3 3%")])
def test_no_figure_can_be_another(right: str, wrong: str) -> None:
    """What is eased, what is left, what comes to the target, and which that is."""
    assert not accepted(saying(PLAN.steps[0].why.replace(right, wrong)))
