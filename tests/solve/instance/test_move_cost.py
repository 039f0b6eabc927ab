"""Moves that cost more on some hosts than on others are priced exactly, wherever the solver counts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from rebalancer.objectives import MigrationCost
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.evaluate import LevelsOfOne, LoadLevels
from rebalancer.solve.instance.instance import Instance, Ints, instance_of
from rebalancer.solve.instance.move_cost import MoveCost
from rebalancer.solve.model.cp_sat import search
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.local_search import local_search
from rebalancer.units import GIB
from tests.solve.tiny import tiny

VMS = {"a": ("h1", 2.0), "b": ("h1", 4.0), "c": ("h2", 8.0)}
DISKS_GIB = np.array([[0, 10, 0], [0, 3, 5], [7, 0, 1]])
"""What a, b and c copy on top of their memory on h1, h2 and h3."""
MEMORY_GIB = np.array([2, 4, 8])
EFFORT = Effort(deterministic=5.0, seed=1)


@pytest.fixture
def instance() -> Instance:
    """Three VMs, each with a host that its disks would have to be copied to, or two."""
    return priced(tiny_pool())


def tiny_pool(**limits: float) -> Instance:
    """The pool without disks."""
    problem = tiny(VMS, limits=limits)
    return instance_of(Rulebook.of(problem))


def priced(instance: Instance) -> Instance:
    """The instance with the cost of disks."""
    price = MoveCost.of(instance.home, MEMORY_GIB * GIB, DISKS_GIB * GIB)
    return replace(instance, copied=price)


def everywhere() -> Iterator[Ints]:
    """Every placement of the three."""
    return (np.array(hosts, dtype=np.int64) for hosts in product(range(3), repeat=3))


def gib_by_hand(instance: Instance, at: Ints) -> int:
    """Memory and disks of those that are not at home."""
    pairs = zip(range(3), at.tolist(), instance.home.tolist(), strict=True)
    return sum(int(MEMORY_GIB[vm] + DISKS_GIB[vm, host]) for vm, host, home in pairs if host != home)


def test_the_model_counts_what_each_pair_copies(instance: Instance) -> None:
    """In the whole model, in every part of it, and where nothing is left to decide."""
    tier = TierProblem(instance=instance, objective=MigrationCost())
    for at in everywhere():
        parts = [np.arange(3)[:, None] == free for free in range(3)]
        scopes = [tier.whole(), tier.at(at), *(Scope(free=part & instance.legal, at=at) for part in parts)]
        for model, goal in map(tier.model, scopes):
            assert model.value(goal, at) * goal.worth == gib_by_hand(instance, at)


def test_the_price_of_a_placement_is_the_sum_of_its_pairs(instance: Instance) -> None:
    """By unit, and as a table of all hosts."""
    table = instance.copied.on_hosts(np.arange(3))
    for at in everywhere():
        assert instance.copied.at(at).sum() == gib_by_hand(instance, at) * GIB == table[np.arange(3), at].sum()
    assert instance.copied.largest == sum((2 + 10, 4 + 5, 8 + 7)) * GIB


@pytest.mark.parametrize("unit", range(3))
def test_the_cheapest_host_is_chosen(instance: Instance, unit: int) -> None:
    """A unit that has to leave goes where the sum of memory and disks is least, and that is proved."""
    free = instance.legal.copy()
    free[unit, instance.home[unit]] = False
    tier = TierProblem(instance=instance, objective=MigrationCost())
    model, goal = tier.model(Scope(free=free, at=instance.home))
    answer = search(model, goal, EFFORT)
    costs = [MEMORY_GIB[unit] + DISKS_GIB[unit, host] for host in range(3) if host != instance.home[unit]]
    assert answer.value * goal.worth == answer.bound * goal.worth == min(costs)


@pytest.mark.parametrize("gib", range(0, 40, 3))
def test_limits_on_gib_count_disks(gib: int) -> None:
    """SolverCall and local judgement allow the placements that copy no more than the limit, and no other."""
    instance = priced(tiny_pool(maximum_gib=float(gib)))
    tier = TierProblem(instance=instance, objective=MigrationCost())
    for at in everywhere():
        model, goal = tier.model(Scope(free=np.eye(3, dtype=np.bool_)[at], at=at))
        allowed = gib_by_hand(instance, at) <= gib
        assert tier.allows(at) == allowed
        assert (search(model, goal, EFFORT).at is not None) == allowed


@pytest.mark.parametrize(("gib", "target"), [(40.0, 2), (6.0, 2), (5.0, 0)])
def test_shifts_weigh_what_each_pair_copies(gib: float, target: int) -> None:
    """Either host relieves h1; a goes to h3, for 6 GiB instead of 12; nobody goes where all is dear."""
    load = {"a": (9.0,) * 4, "b": (5.0,) * 4}
    problem = tiny(VMS, load=load, limits={"maximum_gib": gib})
    instance = instance_of(Rulebook.of(problem))
    dear = np.array([[0, 10, 4 if gib > 5 else 5], [0, 9, 9], [9, 0, 9]])
    instance = replace(instance, copied=MoveCost.of(instance.home, MEMORY_GIB * GIB, dear * GIB))
    limits = instance.resolution.limit_parts(np.full((1, 3, 1), 12.0))
    levels = LoadLevels(resources=(LevelsOfOne(columns=slice(0, 4), limits=limits, steps=np.ones(1)),))
    tier = TierProblem(instance=instance, objective=MigrationCost())
    at = local_search(tier, instance.home, levels, most=1.0).at
    assert at.tolist() == [target, 0, 1]
