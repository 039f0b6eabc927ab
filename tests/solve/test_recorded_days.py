"""Recorded days in the solver: what it finds is the best mean of the days, as brute force over tiny pools tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest

from rebalancer.demand import LoadProfile
from rebalancer.objectives import HostsInUse, LoadCost, MigrationCost, Overload, Spread
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.slots import RecordedDay
from rebalancer.solve import solve
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.search.per_host_bound import pool_cost
from tests.solve.tiny import BALANCING, WINDOW_END, best, placements, random_problem, tiny

WEIGHTS = (1, 3)
ANY_GAIN = {"minimum_gain_pcpu_hours": 0, "solve_seconds": 20}


def in_days(problem: Problem, days: np.ndarray) -> Problem:
    """*problem* with what its VMs used on two days, shape (VMs, 48), in thousandths of a pCPU."""
    demand = problem.demand
    assert demand is not None
    starts = (WINDOW_END - timedelta(days=age) for age in (2, 1))
    recorded = tuple(RecordedDay(start=start, weight=weight) for start, weight in zip(starts, WEIGHTS, strict=True))
    profile: LoadProfile = replace(
        demand,
        vm_pcpu=days / 1000,
        host_base_pcpu=np.zeros((len(demand.hosts), days.shape[1])),
        percentile=None,
        days=recorded,
    )
    return replace(problem, demand=profile)


def random_days(seed: int, problem: Problem) -> np.ndarray:
    """A day of four busy hours, and another with other ones."""
    chance = np.random.default_rng(seed)
    days = chance.integers(0, 500, (len(problem.initial), 48))
    days[:, [9, 10, 14, 15, 26, 33, 34, 35]] = chance.integers(500, 9000, (len(problem.initial), 8))
    return days


@pytest.mark.parametrize("seed", range(8))
def test_the_mean_of_the_days_is_the_best_there_is(seed: int) -> None:
    """A day that weighs three times as much counts three times as much; bounds are those of the mean."""
    problem = random_problem(seed)
    problem = in_days(problem, random_days(seed, problem))
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, BALANCING), abs=1e-9)
    assert all(tier.proved and tier.bound <= tier.after + 1e-9 for tier in solution.tiers)


@pytest.mark.parametrize("seed", range(4))
def test_fewest_hosts_are_proved_over_days(seed: int) -> None:
    """No bound on the hosts in use is above the fewest that leave as little load above the threshold."""
    problem = random_problem(seed, vms=4)
    wanted = problem.policy.model_copy(update={"mode": Mode.CONSOLIDATE})
    problem = replace(in_days(problem, random_days(seed, problem) // 2), policy=wanted)
    solution = solve(Rulebook.of(problem))
    found = best(problem, (*BALANCING[:1], LoadCost(), HostsInUse()))
    assert [tier.after for tier in solution.tiers[:3]] == pytest.approx(found, abs=1e-9)


def test_days_that_are_alike_cost_what_one_of_them_costs() -> None:
    """Figures are pCPU-hours a day, however many days are looked back."""
    vms = {"a": ("h1", 2.0), "b": ("h1", 2.0), "c": ("h2", 2.0)}
    hours = np.random.default_rng(1).integers(0, 16_000, (3, 24))
    load = {name: row.tolist() for name, row in zip(vms, hours / 1000, strict=True)}
    problem = tiny(vms, load=dict.fromkeys(vms, (0.1,) * 4), limits=ANY_GAIN)
    both = in_days(problem, np.hstack([hours, hours]))
    assert both.demand is not None
    single = replace(
        both.demand,
        vm_pcpu=np.array([load[vm] for vm in both.demand.vms]),
        host_base_pcpu=np.zeros((3, 24)),
        percentile=95.0,
        days=(),
    )
    one = replace(problem, demand=single)
    for goal in placements(problem):
        for objective in (LoadCost(), Overload(), Spread()):
            assert objective.value(goal, Rulebook.of(both)) == pytest.approx(objective.value(goal, Rulebook.of(one)))
    assert solve(Rulebook.of(both)).placement == solve(Rulebook.of(one)).placement


@pytest.mark.parametrize("seed", range(4))
def test_what_the_pool_pays_is_paid_by_every_placement(seed: int) -> None:
    """The bound of a pool that is hot as a whole counts each day by its weight, and is never above the truth."""
    problem = tiny({f"v{each}": ("h1", 1.0) for each in range(5)}, load={}, limits=ANY_GAIN)
    problem = in_days(problem, random_days(seed, problem) + 9000)
    bound = pool_cost(instance_of(Rulebook.of(problem))).cost
    least = min(LoadCost().value(goal, Rulebook.of(problem)) for goal in placements(problem))
    assert 0 < bound <= Fraction(least) + Fraction(1, 10**9)
    assert MigrationCost().value(problem.initial, Rulebook.of(problem)) == 0
