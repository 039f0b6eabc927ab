"""Every combination of tiers and prices, on random pools of which every placement is looked at.

bound <= optimum <= answer, and what is called proved is the optimum: under the condition that stands beside it.
"""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from rebalancer.errors import Infeasible
from rebalancer.policy import Mode, Policy, intent_of
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from tests.solve.conditioned import accepted, assert_true
from tests.solve.tiny import random_problem

MODES = (Mode.BALANCE, Mode.CONSOLIDATE, Mode.REPAIR, Mode.EVACUATE)
PRIORITIES = ("mode", "gib", "load", "sum")
LEVELLING: tuple[dict[str, Any], ...] = ({}, {"level": 0.7}, {"lower_peak": 0.4}, {"level": 3.0, "lower_peak": 2.5})
CLEAN_UP = ((), ("spread",), ("peak",), ("peak", "spread"))
COMBINATIONS = tuple(product(MODES, PRIORITIES, LEVELLING, CLEAN_UP))
"""Of each a random pool, with prices, limits and last resorts of its own."""
QUICK = 5
"""One in so many is tried in every run, each of the others where slow tests are."""


def drawn(number: int) -> Problem:
    """The pool and the policy of a combination."""
    mode, priority, levelling, clean_up = COMBINATIONS[number]
    chance = random.Random(number)
    problem = random_problem(1000 + number, vms=4)
    prices = {
        "pcpu_hours_per_gib": chance.choice([0.001, 0.05, 0.5]),
        "pcpu_hours_per_move": chance.choice([0.0, 0.2, 3.0]),
        "pcpu_hours_per_last_resort": chance.choice([0.5, 5.0]),
        "evacuation_pcpu_hours_per_gib": chance.choice([None, 0.2]),
        "levels": chance.choice([(), ((0.9, 3.0),), Policy().objective.levels]),
    }
    objective = {**prices, **levelling, "priority": priority, "clean_up": clean_up}
    limits = {
        "maximum_moves": chance.choice([None, None, 1, 2]),
        "maximum_gib": chance.choice([None, None, 6.0]),
        "minimum_gain_pcpu_hours": chance.choice([0.0, 0.0, 2.0]),
        "solve_seconds": 20.0,
    }
    changes = {
        "mode": mode,
        "objective": problem.policy.objective.model_validate(objective),
        "limits": problem.policy.limits.model_copy(update=limits),
        "last_resort": ("v0",) if chance.random() < 0.3 else (),
        "empty": ("h2",) if mode is Mode.EVACUATE else problem.policy.empty,
    }
    policy = problem.policy.model_copy(update=changes)
    return replace(problem, policy=policy, intent=intent_of(policy, problem.pool))


def assert_it_holds(number: int) -> None:
    """What is told of a combination is true, or nothing satisfies the rules."""
    problem = drawn(number)
    try:
        solution = solve(Rulebook.of(problem))
    except Infeasible:
        assert not accepted(problem)
        return
    assert solution.placement in accepted(problem)
    assert_true(problem, solution.tiers)


@pytest.mark.parametrize("number", range(0, len(COMBINATIONS), QUICK))
def test_one_in_five_combinations_is_told_truly(number: int) -> None:
    """Modes, priorities, levelling, clean-ups, prices and limits, each with each in turn."""
    assert_it_holds(number)


@pytest.mark.slow
@pytest.mark.parametrize("number", [each for each in range(len(COMBINATIONS)) if each % QUICK])
def test_every_other_combination_is_told_truly(number: int) -> None:
    """The rest of them."""
    assert_it_holds(number)
