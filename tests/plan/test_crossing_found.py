"""What the solver finds for two pools, as plans."""

from __future__ import annotations

import pytest

from rebalancer.plan import rebalance, verify_plan
from tests.plan.made import LATER, MADE_AT
from tests.solve.test_other_pools import random_problem


@pytest.mark.parametrize("seed", range(12))
def test_what_the_solver_finds_becomes_a_plan_that_is_accepted(seed: int) -> None:
    """Random pools, nearly full SRs, maps for some: all that goes over does so once, and every state is legal."""
    problem = random_problem(seed)
    plan = rebalance(problem, made_at=MADE_AT)
    assert verify_plan(plan, problem.pool, problem.demand, now=LATER) == ()
    over = [step.vm for step in plan.steps if step.crossing]
    assert len(over) == len(set(over))
    assert set(over) <= {each.uuid for each in plan.no_way_back}
    assert all(step.source[0] != step.target[0] for step in plan.steps if step.crossing)
    assert all(step.source[0] == step.target[0] for step in (*plan.steps, *plan.rollback) if not step.crossing)
