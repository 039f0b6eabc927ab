"""Load that is levelled for GiB, on request and at a price."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from pydantic import ValidationError

from benchmarks.generate import generate
from benchmarks.neutral import RULES, with_peaks
from benchmarks.neutral import problem_of as neutral_problem_of
from rebalancer.objectives import Level, LowerPeak, Peak, Spread
from rebalancer.placement import Placement
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Policy
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Outcome, Solution, solve
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, MADE_AT
from tests.solve.conditioned import assert_true
from tests.solve.tiny import random_problem, tiny

UNEVEN = {"a": ("h1", 8.0), "b": ("h1", 2.0)}
LOAD = {"a": (4.0,) * 4, "b": (4.0,) * 4}
"""8 of 16 pCPUs on h1 and none elsewhere: an even share is 8/3, so that b is worth 4 x 8/3 pCPU-hours of spread."""
WORTH = 4 * 8 / 3


def uneven(limits: dict[str, Any] | None = None, **objective: Any) -> Problem:  # noqa: ANN401 - keys of a section
    """No host is hot, and one does all the work."""
    return tiny(UNEVEN, load=LOAD, limits=limits or {}, objective=objective)


def tier_of(solution: Solution, name: str) -> Any:  # noqa: ANN401 - any field is asked for
    """The result of an objective."""
    return next(tier for tier in solution.tiers if tier.objective == name)


def test_levelling_is_spread_and_what_it_pays() -> None:
    """2 GiB at half a GiB for a pCPU-hour are 4 pCPU-hours, and a move that costs a GiB at that price is 2 more."""
    problem = uneven(level=0.5, lower_peak=10.0, pcpu_hours_per_gib=0.01, pcpu_hours_per_move=0.01)
    moved, book = Placement({"a": "h1", "b": "h2"}), Rulebook.of(problem)
    assert Level().value(moved, book) == pytest.approx(Spread().value(moved, book) + 4 + 2)
    assert LowerPeak().value(moved, book) == pytest.approx(Peak().value(moved, book) + 3 / 1000)
    assert Level().value(problem.initial, book) == Spread().value(problem.initial, book)


@pytest.mark.parametrize(("level", "moves"), [(0.0, 0), (2 / WORTH * 0.9, 0), (2 / WORTH * 1.3, 1), (100.0, 1)])
def test_load_is_levelled_where_that_is_worth_the_gib(level: float, moves: int) -> None:
    """b is moved where 2 GiB may be copied for what that evens out, and a stays, which takes 8."""
    problem = uneven(level=round(level, 3))
    solution = solve(Rulebook.of(problem))
    assert len(problem.initial.moves_to(solution.placement)) == moves
    if level:
        assert tier_of(solution, "level").proved
        assert_true(problem, solution.tiers)
    if moves:
        assert solution.outcome is Outcome.IMPROVED
        assert solution.placement["a"] == "h1"
        assert [each.objective for each in tier_of(solution, "level").held] == ["repair", "load-cost"]


def test_what_levelling_spends_counts_in_balance() -> None:
    """It is above its bound then, and not called proved; the plan says so, and is proven."""
    problem = uneven(level=1.0)
    plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    balance = next(tier for tier in plan.tiers if tier.objective == "balance")
    assert (balance.before, balance.after, balance.bound, balance.proved) == (0, 0.002, 0, False)
    (step,) = plan.steps
    assert step.why.startswith(f"levels the load of h1 and {step.target_name}; {step.target_name} ")
    assert verify_plan(plan, problem.pool, problem.demand, now=LATER) == ()


def test_a_gain_below_the_minimum_is_not_levelled() -> None:
    """WORTH less 2 GiB at a GiB for a pCPU-hour are 8.7; whoever asks for 9 gets no move."""
    for least, moves in ((8, 1), (9, 0)):
        problem = uneven({"minimum_gain_pcpu_hours": least}, level=1.0)
        assert len(problem.initial.moves_to(solve(Rulebook.of(problem)).placement)) == moves


@pytest.mark.parametrize(("price", "moves"), [(0.07, 0), (0.09, 1)])
def test_the_peak_is_lowered_at_a_price_of_its_own(price: float, moves: int) -> None:
    """25 points are worth 2 GiB from 0.08 GiB for a point on."""
    problem = uneven(lower_peak=price)
    solution = solve(Rulebook.of(problem))
    assert len(problem.initial.moves_to(solution.placement)) == moves
    assert_true(problem, solution.tiers)


def test_levelling_heats_no_host() -> None:
    """What balancing has reached in load is held, however even it could be otherwise."""
    vms = {"a": ("h1", 8.0), "b": ("h1", 2.0), "c": ("h2", 2.0), "d": ("h3", 2.0)}
    load = {"a": (12.0,) * 4, "b": (4.0, 0.1, 0.1, 0.1), "c": (9.0,) * 4, "d": (1.0,) * 4}
    problem = tiny(vms, load=load, objective={"level": 5.0})
    solution = solve(Rulebook.of(problem))
    load_held = next(each for each in tier_of(solution, "level").held if each.objective == "load-cost")
    assert load_held.most == pytest.approx(0)
    assert_true(problem, solution.tiers)


def test_levelling_needs_a_price_of_gib() -> None:
    """Moves are weighed by their prices, so GiB that cost nothing cannot be spent."""
    with pytest.raises(ValidationError, match="pcpu_hours_per_gib has to be above 0"):
        Policy.model_validate({"objective": {"level": 1.0, "pcpu_hours_per_gib": 0.0}})


@pytest.mark.parametrize("budget", [0, 2])
@pytest.mark.parametrize("level", [0.3, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_the_search_of_large_pools_tells_the_truth(
    monkeypatch: pytest.MonkeyPatch, seed: int, level: float, budget: int
) -> None:
    """Shifts, neighbourhoods and the bound of every host by itself, on pools that brute force can judge."""
    monkeypatch.setattr(import_module("rebalancer.solve.search.levelling"), "SMALL_PAIRS", 0)
    problem = with_peaks(random_problem(seed), budget)
    objective = problem.policy.objective.model_copy(
        update={"level": level, "clean_up": ("spread",), "pcpu_hours_per_gib": 0.05, "pcpu_hours_per_move": 0.1}
    )
    problem = replace(problem, policy=problem.policy.model_copy(update={"objective": objective}))
    solution = solve(Rulebook.of(problem))
    assert [tier.objective for tier in solution.tiers] == ["repair", "balance", "level", "spread"]
    assert_true(problem, solution.tiers)


def test_a_larger_pool_is_levelled() -> None:
    """Eight hosts with 80 VMs: much of what is uneven is worth its GiB, and the bound is not far."""
    problem = neutral_problem_of(generate("8x80", 1), seconds=5, seed=1)
    objective = problem.policy.objective.model_copy(update={"level": 1.0, "pcpu_hours_per_gib": 0.01})
    problem = replace(problem, policy=problem.policy.model_copy(update={"objective": objective}))
    tier = tier_of(solve(Rulebook(problem, RULES)), "level")
    assert tier.after < 0.6 * tier.before
    assert tier.gap < 0.3
