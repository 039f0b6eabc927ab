"""Shifts have to earn what they pay by the prices of the policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rebalancer.objectives import Balance, LoadCost
from rebalancer.objectives.outlay import Outlay
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.evaluate import load_levels, load_of, part_of_pcpu_hour
from rebalancer.solve.instance.instance import Instance, instance_of
from rebalancer.solve.instance.tolls import outlay_of_units
from rebalancer.solve.model.tier import TierProblem, placement_of
from rebalancer.solve.search.descent import relieved
from tests.solve.reluctant import reluctant
from tests.solve.tiny import SLOTS, random_problem, tiny

HOT = {"a": ("h1", 2.0), "b": ("h1", 2.0), "c": ("h1", 4.0)}
LOAD = {"a": (6.0,) * SLOTS, "b": (0.5,) * SLOTS, "c": (12.2,) * SLOTS}
"""18.7 pCPUs on h1, which may use 12 and cannot get rid of c: a's move is worth 24 pCPU-hours, b's after that 2."""


def hot(**objective: float) -> Problem:
    """Three VMs on a hot host, and two hosts without any; what is not named costs nothing."""
    prices = {"threshold": 0.75, "levels": [], "pcpu_hours_per_gib": 0.0, **objective}
    return tiny(HOT, load=LOAD, held=["c"], objective=prices)


def slower(problem: Problem) -> Problem:
    """*problem* with slots of two hours."""
    assert problem.demand is not None
    return replace(problem, demand=replace(problem.demand, slot_hours=2.0))


def priced(seed: int) -> Problem:
    """A random pool in which everything has a price, and GiB another one while hosts are evacuated, as they are."""
    problem = reluctant(random_problem(seed), "v0", "v1", price=3.0)
    prices = {"pcpu_hours_per_gib": 0.1, "pcpu_hours_per_move": 0.7, "evacuation_pcpu_hours_per_gib": 0.3}
    objective = problem.policy.objective.model_copy(update=prices)
    policy = problem.policy.model_copy(update={"objective": objective, "mode": Mode.EVACUATE})
    return replace(problem, policy=policy)


def moved(problem: Problem, objective: Balance | LoadCost) -> list[str]:
    """Who is not at home after shifts."""
    found = instance_of(Rulebook.of(problem))
    at = relieved(TierProblem(instance=found, objective=objective), found.home, most=1.0).at
    return [found.units[unit][0] for unit in np.flatnonzero(at != found.home).tolist()]


@pytest.mark.parametrize("price", ["pcpu_hours_per_gib", "pcpu_hours_per_move"])
@pytest.mark.parametrize(("paid", "who"), [(0.5, ["a", "b"]), (3.0, ["a"]), (30.0, [])])
def test_shifts_earn_what_they_pay(price: str, paid: float, who: list[str]) -> None:
    """A VM that moves pays once or, for its 2 GiB, twice the price; where load comes first it pays nothing."""
    problem = hot(**{price: paid})
    assert moved(problem, Balance()) == who
    assert moved(problem, LoadCost()) == ["a", "b"]


def test_a_move_may_cost_more_than_any_gib() -> None:
    """The dearest move of a policy beside its cheapest GiB: nobody moves."""
    assert moved(hot(pcpu_hours_per_gib=0.000001, pcpu_hours_per_move=1_000_000.0), Balance()) == []


def test_last_resorts_pay_on_top() -> None:
    """b is a last resort, whose price is more than it earns."""
    assert moved(reluctant(hot(), "b", price=1.9), Balance()) == ["a", "b"]
    assert moved(reluctant(hot(), "b", price=2.1), Balance()) == ["a"]


def test_longer_slots_earn_more() -> None:
    """In slots of two hours b's move is worth 4 pCPU-hours."""
    assert moved(slower(hot(pcpu_hours_per_move=3.0)), Balance()) == ["a", "b"]
    assert moved(slower(hot(pcpu_hours_per_move=5.0)), Balance()) == ["a"]


@pytest.mark.parametrize("seed", range(6))
def test_tolls_are_what_the_objective_says_of_each_move(seed: int) -> None:
    """Each unit alone on each host pays for GiB, moves and last resorts what `Outlay` says."""
    found = instance_of(Rulebook.of(priced(seed)))
    paid = outlay_of_units(found)
    assert paid.any()
    for unit, host in np.ndindex(paid.shape):
        at = found.home.copy()
        at[unit] = host
        assert paid[unit, host] == pytest.approx(Outlay().value(placement_of(found, at), found.book))


@pytest.mark.parametrize("problem", [hot(), slower(hot()), random_problem(3)])
def test_shifts_count_load_in_parts_of_pcpu_hours(problem: Problem) -> None:
    """What the levels say, at what one of it is worth, is what the objective says."""
    found: Instance = instance_of(Rulebook.of(problem))
    said = load_levels(found).cost(load_of(found, found.home), np.arange(len(found.hosts))).sum()
    exact = LoadCost().value(problem.initial, found.book)
    assert exact > 0
    assert said * part_of_pcpu_hour(found) == pytest.approx(exact)
