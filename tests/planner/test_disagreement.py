"""What planner and checker disagree on besides rules is a defect: it is said, and no other plan is looked for."""

from __future__ import annotations

import pytest

from rebalancer.errors import ModelBug
from rebalancer.plan import Pace
from rebalancer.planner.rebalance import rebalance
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from tests.order.stuck import WANTED, stuck
from tests.plan.made import MADE_AT, demand_of, goal_of, pool_with, swap
from tests.planner.disagreeing import DISAGREEMENTS, disagree, refuse_once_moved
from tests.planner.insists import Insists
from tests.pools import policy_of, problem_of


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


CLEAN_UPS = [("peak",), ("spread",), ("peak", "spread"), ("spread", "peak")]


@pytest.mark.parametrize("clean_up", CLEAN_UPS)
def test_clean_up_where_nobody_may_move(clean_up: tuple[str, ...]) -> None:
    """No load of any host can be changed, so that the highest load is that of all."""
    plan = rebalance(Rulebook.of(uneven(0.5, clean_up, never_move=["a", "b", "c"])), made_at=MADE_AT)
    assert (plan.steps, [tier.proved for tier in plan.tiers]) == ((), [True] * len(plan.tiers))


@pytest.mark.parametrize("clean_up", CLEAN_UPS)
@pytest.mark.parametrize("pcpu", [1e-6, 3e-4, 0.25, 2.0])
def test_clean_up_of_any_load(clean_up: tuple[str, ...], pcpu: float) -> None:
    """What one tier reached another may improve, and tiny loads prove nothing: plans say of each where it ends."""
    plan = rebalance(Rulebook.of(uneven(pcpu, clean_up)), made_at=MADE_AT)
    assert all(tier.bound <= tier.after for tier in plan.tiers)


def test_what_is_given_up_has_no_bound_for_what_follows() -> None:
    """Where balancing does not pay, the bound of a later objective was found with the load balanced."""
    problem = uneven(4.5, ("spread",), limits={"minimum_gain_pcpu_hours": 1000.0})
    repair, balance, spread = rebalance(Rulebook.of(problem), made_at=MADE_AT).tiers
    assert (repair.proved, balance.proved, spread.proved) == (True, False, False)
    assert balance.bound < balance.after
    assert (spread.bound, spread.after) == (0.0, spread.before)


def test_a_pace_of_no_time_at_all() -> None:
    """Journals of a simulated pool may teach it: a step still takes its tenth of a second, one after another."""
    pace = Pace(fixed_seconds=0.0, factor=0.0, low=0.1, high=1.0, steps=8)
    plan = rebalance(Rulebook.of(uneven(9.0, ())), made_at=MADE_AT, pace=pace)
    assert [step.start_seconds for step in plan.steps] == [number / 10 for number in range(len(plan.steps))]
    assert plan.steps


def uneven(pcpu: float, clean_up: tuple[str, ...], **policy: object) -> Problem:
    """Three VMs of *pcpu* in one slot on the first of three hosts."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 4), "b": ("h1", 4), "c": ("h1", 4)})
    objective = {"clean_up": clean_up, "pcpu_hours_per_gib": 0.0}
    sections = {"objective": objective, "limits": {"minimum_gain_pcpu_hours": 0.0}, **policy}
    return problem_of(pool, policy=policy_of(**sections), demand=demand_of(pool, dict.fromkeys("abc", pcpu)))
