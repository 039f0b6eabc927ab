"""Every bound says under which condition it holds, and is true under it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.plan.conditions import condition_lines
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution, solve
from tests.solve.conditioned import assert_true
from tests.solve.tiny import random_problem, tiny

ANY_GAIN = {"minimum_gain_pcpu_hours": 0}
VMS = {"big": ("h3", 12.0), "hot": ("h3", 2.0), "a": ("h1", 2.0), "b": ("h2", 4.0)}
LOAD = {"big": (3.0,) * 4, "hot": (6.0,) * 4, "a": (8.0,) * 4, "b": (9.0,) * 4}


def with_limits(problem: Problem, **limits: Any) -> Problem:  # noqa: ANN401 - keys of a section
    """*problem* with some limits of its policy changed."""
    changed = problem.policy.limits.model_copy(update=limits)
    return replace(problem, policy=problem.policy.model_copy(update={"limits": changed}))


def lines(problem: Problem, solution: Solution) -> list[str]:
    """The conditions of a solution, as people read them."""
    return condition_lines(solution.tiers, problem.policy)


@pytest.mark.parametrize("seed", range(10))
def test_bounds_of_repairs_alone_hold_under_what_they_name(seed: int) -> None:
    """Where balancing gains too little, load is held before GiB are saved: the bound says so, and is true."""
    problem = with_limits(random_problem(seed), minimum_gain_pcpu_hours=1000)
    assert_true(problem, solve(Rulebook.of(problem)).tiers)


def test_a_bound_names_the_load_that_was_held_first() -> None:
    """Emptying h3 takes 2 GiB; 6 where nobody is to be overloaded for it, and then that is named beside the bound."""
    vms = {"x": ("h3", 2.0), "a": ("h1", 8.0), "b": ("h1", 4.0), "c": ("h2", 8.0)}
    load = {"x": (6.0,) * 4, "a": (6.0,) * 4, "b": (3.0,) * 4, "c": (9.0,) * 4}
    limits = {"minimum_gain_pcpu_hours": 1000}
    problem = tiny(vms, load=load, empty=["h3"], limits=limits)
    anyhow = tiny(vms, load=load, empty=["h3"], limits=limits, mode="repair")
    found, cheap = (solve(Rulebook.of(each)) for each in (problem, anyhow))
    cost, least = (next(t for t in each.tiers if t.objective == "migration-cost") for each in (found, cheap))
    assert (cost.bound, least.bound) == (6, 2)
    held = "repair at most 0 breaches, load-cost at most 0 weighted pCPU-hours"
    assert f"The bound of migration-cost is of placements with {held}." in lines(problem, found)
    assert "The bound of migration-cost is of placements with repair at most 0 breaches." in lines(anyhow, cheap)
    assert "(proved best with repair, load-cost at most 0 held)" in found.reason
    assert_true(problem, found.tiers)
    assert_true(anyhow, cheap.tiers)


@pytest.mark.parametrize(
    "limits", [{"maximum_moves": 1}, {"maximum_gib": 4.0}, {"maximum_moves": 2, "maximum_gib": 6.0}]
)
@pytest.mark.parametrize("seed", range(4))
def test_bounds_within_limits_name_the_limits(seed: int, limits: dict[str, Any]) -> None:
    """They hold for plans that keep them, and may be above what a plan without the limit reaches."""
    problem = with_limits(random_problem(seed), **limits)
    solution = solve(Rulebook.of(problem))
    assert_true(problem, solution.tiers)
    said = {"maximum_moves": "at most 1 move" if limits.get("maximum_moves") == 1 else "at most 2 moves"}
    said["maximum_gib"] = f"at most {limits.get('maximum_gib', 0):g} GiB copied"
    for line in lines(problem, solution):
        assert all(words in line for key, words in said.items() if key in limits)
    assert len(lines(problem, solution)) == len(solution.tiers)


def test_a_clean_up_names_what_it_may_not_cost() -> None:
    """It is the evenest of those that balance as well and copy no more."""
    problem = tiny(VMS, load=LOAD, limits=ANY_GAIN, objective={"clean_up": ["spread"]})
    told = lines(problem, solve(Rulebook.of(problem)))
    assert told[0] == "The bound of balance is of placements with repair at most 0 breaches."
    kept = "of placements that copy no more, with repair at most 0 breaches, balance at most"
    assert told[1].startswith(f"The bound of spread is {kept}")


def test_sets_of_moves_without_an_order_are_no_part_of_the_bound() -> None:
    """What was ruled out because no legal order was found is named."""
    problem = tiny(VMS, load=LOAD, limits=ANY_GAIN)
    book = Rulebook.of(problem)
    first = solve(book)
    moves = frozenset(problem.initial.moves_to(first.placement))
    second = solve(book, forbidden=[moves], near=first.placement)
    assert [tier.excluded for tier in second.tiers] == [1] * len(second.tiers)
    assert "none of 1 set of moves for which no legal order was found" in lines(problem, second)[0]
    assert lines(problem, first)[0].endswith("repair at most 0 breaches.")
