"""What planner and checker disagree on besides rules is a defect: it is said, and no other plan is looked for."""

from __future__ import annotations

import pytest

from rebalancer.errors import ModelBug
from rebalancer.planner.rebalance import rebalance
from rebalancer.rules import Rulebook
from tests.order.stuck import WANTED, stuck
from tests.plan.made import MADE_AT, goal_of, swap
from tests.planner.disagreeing import DISAGREEMENTS, disagree, refuse_once_moved
from tests.planner.insists import Insists


@pytest.mark.parametrize("about", DISAGREEMENTS)
def test_a_disagreement_is_no_illegal_step(monkeypatch: pytest.MonkeyPatch, about: str) -> None:
    """The solver is asked once: no other placement would mend what the plan says."""
    solver = Insists(swap(), goal_of(swap(), big="h2", small="h1"))
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    disagree(monkeypatch, about)
    with pytest.raises(ModelBug, match="internal disagreement"):
        rebalance(Rulebook.of(swap()), made_at=MADE_AT)
    assert len(solver.asked) == 1


@pytest.mark.parametrize("about", DISAGREEMENTS)
def test_a_disagreement_about_a_part_is_no_illegal_part(monkeypatch: pytest.MonkeyPatch, about: str) -> None:
    """Where no order of all moves exists, the best part is not passed over for it."""
    problem = stuck()
    solver = Insists(problem, goal_of(problem, **WANTED), objectives=("repair", "balance"))
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    disagree(monkeypatch, about)
    with pytest.raises(ModelBug, match="internal disagreement"):
        rebalance(Rulebook.of(problem), made_at=MADE_AT)


def test_a_step_that_earlier_ones_make_illegal_goes_back_to_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders ask of each move where the other VMs were at the start: only the checker sees where they are by then."""
    solver = Insists(swap(), goal_of(swap(), big="h2", small="h1"), yields=True)
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    refuse_once_moved(monkeypatch, "small", "big", left="h1")
    assert rebalance(Rulebook.of(swap()), made_at=MADE_AT).steps == ()
    assert [{move.vm for move in moves} for moves in solver.asked[1]] == [{"big", "small"}]
