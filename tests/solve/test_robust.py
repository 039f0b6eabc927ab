"""Robust demand: the worst few VMs of each host and slot count with their peaks, as brute force tells."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from rebalancer.errors import MetricsRefused
from rebalancer.objectives import Balance, HostsInUse, LoadCost, Overload, Peak, Repair, host_load
from rebalancer.policy import Mode
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.solve.instance.evaluate import load_levels, load_of
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import TierProblem, placement_of
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.local_search import local_search
from tests.solve.peaks import peaking, with_budget
from tests.solve.tiny import BALANCING, best, placements, random_problem, tiny

VMS = {"a": ("h1", 8.0), "b": ("h1", 4.0), "c": ("h1", 2.0), "d": ("h2", 4.0)}


@pytest.mark.parametrize("budget", [0, 1, 2, 4])
def test_the_load_of_a_host_is_the_highest_over_all_who_may_peak(budget: int) -> None:
    """Every choice of so many VMs is tried on every placement: the highest sum is the load."""
    problem = peaking(tiny(VMS, load={}), budget, seed=1)
    demand = problem.demand
    assert demand is not None
    assert demand.vm_deviation_pcpu is not None
    deviation = dict(zip(demand.vms, demand.vm_deviation_pcpu, strict=True))
    usual = dict(zip(demand.vms, demand.vm_pcpu, strict=True))
    for placement in placements(problem):
        load = host_load(placement, problem)
        for number, host in enumerate(problem.pool.hosts):
            there = [vm for vm in placement if placement[vm] == host]
            choices = combinations(there, min(budget, len(there)))
            worst = np.max([sum((deviation[vm] for vm in some), np.zeros(4)) for some in choices], axis=0)
            expected = sum((usual[vm] for vm in there), np.zeros(4)) + worst
            assert load[number] == pytest.approx(expected)


@pytest.mark.parametrize("budget", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_the_optimum_is_that_of_brute_force(seed: int, budget: int) -> None:
    """Every tier, proved, whichever VMs keep together, are held or may not leave."""
    problem = peaking(random_problem(seed), budget, seed=seed)
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, BALANCING), abs=1e-9)
    assert all(tier.proved and tier.bound <= tier.after for tier in solution.tiers)


@pytest.mark.parametrize("seed", range(6))
def test_consolidation_leaves_room_for_peaks(seed: int) -> None:
    """The fewest hosts on which the worst two of each may peak together."""
    problem = peaking(random_problem(seed), 2, seed=seed)
    problem = replace(problem, policy=problem.policy.model_copy(update={"mode": Mode.CONSOLIDATE}))
    tiers = (Repair(), LoadCost(), HostsInUse(), Balance())
    assert [tier.after for tier in solve(Rulebook.of(problem)).tiers] == pytest.approx(best(problem, tiers), abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_the_model_counts_what_the_objective_counts(seed: int) -> None:
    """Overload and peak of every legal placement, by the model of the whole and by one in which nobody moves."""
    problem = peaking(random_problem(seed, vms=4), 2, seed=seed)
    instance = instance_of(Rulebook.of(problem))
    for objective in (Overload(), LoadCost(), Peak()):
        tier = TierProblem(instance=instance, objective=objective)
        model, goal = tier.model(Scope(free=instance.legal, at=instance.home))
        for at in np.ndindex(*(3,) * len(instance.units)):
            where = np.array(at, dtype=np.int64)
            if instance.legal[np.arange(len(where)), where].all():
                still, same = tier.model(tier.at(where))
                exact = objective.value(placement_of(instance, where), Rulebook.of(problem))
                said = float(model.value(goal, where) * goal.worth)
                assert said == pytest.approx(exact, abs=1.01e-4 if isinstance(objective, Peak) else 1e-9)
                assert still.value(same, where) == model.value(goal, where)


@pytest.mark.parametrize("seed", range(6))
def test_shifts_end_in_loads_that_are_true(seed: int) -> None:
    """What local search adds up shift by shift relieves the hosts, and never makes the total worse."""
    problem = peaking(random_problem(seed), 2, seed=seed)
    instance = instance_of(Rulebook.of(problem))
    tier, levels = TierProblem(instance=instance, objective=Balance()), load_levels(instance)
    at = local_search(tier, instance.home, levels, most=1.0).at
    hosts = np.arange(len(instance.hosts))
    above = [levels.cost(load_of(instance, each), hosts).sum() for each in (instance.home, at)]
    assert above[1] < above[0] if (at != instance.home).any() else above[1] == above[0]


def test_a_budget_of_nothing_changes_nothing() -> None:
    """The answer is that of the policy without `robust`, number by number."""
    problem = random_problem(3)
    robust = replace(problem, policy=with_budget(problem.policy, 0))
    answers = [solve(Rulebook.of(each)) for each in (robust, problem)]
    assert answers[0].placement == answers[1].placement
    assert answers[0].tiers == answers[1].tiers


def test_a_peak_alone_is_worth_a_move() -> None:
    """Nobody is over the threshold of 12 pCPUs, but a and b on one host would be if one of them peaked."""
    load = {"a": (6.0,) * 4, "b": (5.0,) * 4, "c": (0.0,) * 4, "d": (1.0,) * 4}
    calm = tiny(VMS, load=load, objective={"levels": ()}, limits={"minimum_gain_pcpu_hours": 0})
    assert calm.demand is not None
    assert solve(Rulebook.of(calm)).placement.host_of == calm.initial.host_of
    demand = replace(calm.demand, vm_deviation_pcpu=np.full_like(calm.demand.vm_pcpu, 3.0))
    solution = solve(Rulebook.of(replace(calm, demand=demand, policy=with_budget(calm.policy, 1))))
    assert solution.tiers[1].before == pytest.approx(4 * 2.0)
    assert solution.placement["a"] != solution.placement["b"]


def test_peaks_are_not_guessed() -> None:
    """A profile that was made without peaks is refused, not taken for one without any."""
    problem = tiny(VMS, load={})
    with pytest.raises(MetricsRefused, match="the load profile holds no peaks"):
        solve(Rulebook.of(replace(problem, policy=with_budget(problem.policy, 1))))
