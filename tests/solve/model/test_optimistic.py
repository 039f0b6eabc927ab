"""What is held while bounds are looked for: with loads rounded down, in other parts of a pCPU."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from rebalancer.objectives import Balance, LoadCost
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import TierProblem, held_at, placement_of
from tests.solve.tiny import random_problem

SLACK = 0.1
"""More weighted pCPU-hours than rounding the loads of five VMs down to thousandths takes off."""


def uneven(problem: Problem) -> Problem:
    """*problem* with loads that no thousandths say."""
    assert problem.demand is not None
    return replace(problem, demand=replace(problem.demand, vm_pcpu=problem.demand.vm_pcpu * 1.000_123_4))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_held_is_held_where_loads_are_rounded_down(seed: int) -> None:
    """An answer to a relaxation may have no more overload than was reached, but for what rounding takes off."""
    problem = uneven(random_problem(seed))
    book, chance = Rulebook.of(problem), np.random.default_rng(seed)
    instance = instance_of(book)
    drawn = [chance.integers(len(instance.hosts), size=len(instance.units)) for _ in range(12)]
    worth = [LoadCost().value(placement_of(instance, at), book) for at in drawn]
    refused = 0
    for (reached, most), (at, value) in itertools.product(zip(drawn, worth, strict=True), repeat=2):
        held = held_at(instance, LoadCost(), reached)
        relaxed = TierProblem(instance=instance, objective=Balance(), held=(held,)).optimistic()
        number = held_at(relaxed.instance, LoadCost(), at).value
        allowed = number <= relaxed.held[0].value
        assert allowed or value > most
        assert not allowed or value < most + SLACK
        refused += not allowed
    assert refused > len(drawn)
