"""What the solver finds for two pools, as plans."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.plan import rebalance, undo, verify_plan
from tests.plan.made import LATER, MADE_AT
from tests.plan.test_crossing_plan import PLAN, PROBLEM, after_crossing
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


def test_the_way_back_from_halfway_leaves_alone_who_went_over() -> None:
    """Seen in the pools, or taken to be done: it comes home by a plan of its own, and the others come back."""
    told = "VM a has gone to pool west: it comes home by a plan of its own"
    at_home = undo(PLAN, PROBLEM.pool, made_at=MADE_AT, done=[step.id for step in PLAN.steps])
    gone = after_crossing()
    moved = replace(gone, vms={**gone.vms, "b": replace(gone.vms["b"], resident_on="e2")})
    for back, pool, vms in ((at_home, None, {"b", "c"}), (undo(PLAN, moved, made_at=MADE_AT), moved, {"b"})):
        assert {step.vm for step in back.steps} == vms
        assert told in back.warnings
        assert pool is None or verify_plan(back, pool, now=LATER) == ()
    nobody = undo(PLAN, gone, made_at=MADE_AT)
    assert nobody.steps == ()
    assert nobody.summary.startswith("Nothing to do: no VM goes back to where plan ")
