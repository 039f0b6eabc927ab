"""What the solver finds for two pools, as plans."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.planner.rebalance import rebalance
from rebalancer.rules import Rulebook
from rebalancer.undo.undo import undo
from rebalancer.verify.verify import verify_plan
from tests.plan.crossed import PLAN, PROBLEM, after_crossing
from tests.plan.made import LATER, MADE_AT
from tests.solve.both_pools import random_problem


@pytest.mark.parametrize("seed", range(12))
def test_what_the_solver_finds_becomes_a_plan_that_is_accepted(seed: int) -> None:
    """Random pools, nearly full SRs, maps for some: all that goes over does so once, and every state is legal."""
    problem = random_problem(seed)
    plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    assert verify_plan(plan, problem.pool, problem.demand, now=LATER) == ()
    over = [step.vm for step in plan.steps if step.crossing]
    assert len(over) == len(set(over))
    assert set(over) <= {each.uuid for each in plan.no_way_back}
    assert all(step.source[0] != step.target[0] for step in plan.steps if step.crossing)
    assert all(step.source[0] == step.target[0] for step in (*plan.steps, *plan.rollback) if not step.crossing)


def test_what_leads_home_is_known_once_the_vm_is_there() -> None:
    """Taken to be done: the others come back, and of who went over nothing can be said yet."""
    back = undo(PLAN, PROBLEM.pool, made_at=MADE_AT, done=[step.id for step in PLAN.steps])
    assert {step.vm for step in back.steps} == {"b", "c"}
    assert "VM a stays in pool west: what leads it home is known once it is there" in back.warnings


def test_from_halfway_all_come_home_who_went() -> None:
    """Seen in the pools: one that went over, one that moved inside its pool, and one that did not move yet."""
    gone = after_crossing()
    moved = replace(gone, vms={**gone.vms, "b": replace(gone.vms["b"], resident_on="e2")})
    back = undo(PLAN, moved, made_at=MADE_AT)
    assert {step.vm: step.crossing.pool if step.crossing else "" for step in back.steps} == {"a": "east", "b": ""}
    assert verify_plan(back, moved, now=LATER) == ()
