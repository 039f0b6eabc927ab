"""The bound of every host by itself is one of the whole, and often the optimum."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.neutral import AREA_FIRST, RULES, problem_of, read_instance
from rebalancer.objectives import Balance, Repair
from rebalancer.problem import Problem
from rebalancer.rules import Rule, Rulebook, rules_for
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.tier import HeldTier, TierProblem
from rebalancer.solve.search.per_host_bound import per_host_bound
from tests.solve.tiny import BALANCING, best, random_problem, tiny

EFFORT = Effort(deterministic=10, seed=1)

LOWEST_KNOWN = {
    "16x250": 109.75,
    "16x250-c": 166.75,
    "16x250-h": 367.25,
    "32x600-h": 681.5,
    "64x1500": 675.25,
    "64x1500-h": 1227.75,
}
"""GiB of the best placements that anything ever found, area 0 and nothing broken; all but 32x600-h are proved best."""


def bound_of(problem: Problem, rules: tuple[Rule, ...], breaches: int) -> float:
    """The bound where as many breaches are left."""
    held = (HeldTier(objective=Repair(), value=breaches),)
    tier = TierProblem(instance=instance_of(Rulebook(problem, rules)), objective=Balance(), held=held)
    return float(per_host_bound(tier.optimistic(), EFFORT).bound)


@pytest.mark.parametrize("seed", range(20))
def test_never_above_the_optimum(seed: int) -> None:
    """Brute force knows the best of every placement that the checker accepts."""
    problem = random_problem(seed)
    breaches, optimum = best(problem, BALANCING)
    assert bound_of(problem, rules_for(problem), round(breaches)) <= optimum + 1e-9


def test_a_hot_host_pays_for_its_cheapest_leaver() -> None:
    """Three VMs of 7, 8 and 1 pCPUs on 12: one has to leave, and the cheapest that cures it is b, of 2 GiB."""
    vms = {"a": ("h1", 8.0), "b": ("h1", 2.0), "c": ("h1", 4.0)}
    problem = tiny(vms, load={"a": (7.0,) * 4, "b": (8.0,) * 4, "c": (1.0,) * 4})
    assert bound_of(problem, rules_for(problem), 0) == pytest.approx(0.002)


def test_what_cannot_leave_stays_as_overload() -> None:
    """A VM that nobody may move is 4 pCPUs above the threshold in each of four hours: up to all that h1 has."""
    problem = tiny({"a": ("h1", 8.0), "b": ("h2", 2.0)}, load={"a": (16.0,) * 4}, held=["a"])
    cost = 0.8 * (1 + 2) + 0.4 * (4 + 6 + 8 + 12 + 16 + 24)
    assert bound_of(problem, rules_for(problem), 0) == pytest.approx(4 * cost)


def test_what_a_hot_pool_has_too_much_of_is_above_a_level_wherever_vms_are() -> None:
    """42 pCPUs on three hosts of 16 are 14 on each at best; h1, with 16, is above that unless b leaves for its 2 GiB.

    Spread evenly, 6 pCPUs are above the thresholds, 3.6 of them above the next level, and 1.2 of these above the third.
    """
    load = {"a": (12.0,) * 4, "b": (4.0,) * 4, "c": (13.0,) * 4, "d": (13.0,) * 4}
    vms = {"a": ("h1", 8.0), "b": ("h1", 2.0), "c": ("h2", 8.0), "d": ("h3", 8.0)}
    bound = bound_of(tiny(vms, load=load), rules_for(tiny(vms, load=load)), 0)
    assert bound == pytest.approx(4 * (6 * 1 + 3.6 * 1 + 1.2 * 2) + 0.002)


def test_breaches_that_stay_anyway_are_no_excuse_elsewhere() -> None:
    """a and b are held together on h1; so c or d of the same group leaves h2, as only one breach is to be left."""
    apart = [{"name": "g", "vms": ["a", "b", "c", "d"], "hard": False}]
    vms = {"a": ("h1", 1.0), "b": ("h1", 1.0), "c": ("h2", 3.0), "d": ("h2", 2.0)}
    problem = tiny(vms, load={}, held=["a", "b"], apart=apart)
    assert bound_of(problem, rules_for(problem), 1) == pytest.approx(0.002)


def test_what_may_stay_broken_is_left_where_mending_costs_most() -> None:
    """Two groups of two, one breach may stay: that of the 8 GiB, not that of the 2."""
    apart = [{"name": name, "vms": list(name), "hard": False} for name in ("ab", "cd")]
    vms = {"a": ("h1", 8.0), "b": ("h1", 8.0), "c": ("h2", 2.0), "d": ("h2", 3.0)}
    problem = tiny(vms, load={}, apart=apart)
    assert bound_of(problem, rules_for(problem), 1) == pytest.approx(0.002)
    assert bound_of(problem, rules_for(problem), 0) == pytest.approx(0.010)


def test_a_host_without_another_has_no_bound() -> None:
    """Where there is nowhere to go, nothing is claimed."""
    problem = tiny({"a": ("h1", 8.0), "b": ("h1", 2.0)}, hosts={"h1": 32.0}, load={"a": (16.0,) * 4})
    assert bound_of(problem, rules_for(problem), 0) == 0


@pytest.mark.parametrize("name", LOWEST_KNOWN)
def test_never_above_what_was_ever_found(shared_data: Callable[[str], Path], name: str) -> None:
    """On every instance; where receivers have room it is the optimum itself."""
    problem = problem_of(read_instance(shared_data(f"instances/{name}.json.gz")), seconds=20, seed=1)
    bound = bound_of(problem, RULES, 0) / AREA_FIRST
    assert bound == pytest.approx(630 if name == "32x600-h" else LOWEST_KNOWN[name])
