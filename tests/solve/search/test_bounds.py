"""No bound, by whatever name, is above an answer that anything ever found: brute force, other balancers, or we."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.generate import generate
from benchmarks.neutral import AREA_FIRST, RULES, Json, problem_of, read_instance, with_peaks
from benchmarks.peers.greedy import greedy
from benchmarks.peers.hill_climb import hill_climb
from benchmarks.table import MEASURED
from rebalancer.objectives import Balance, HostsInUse, LoadCost, Objective, Repair
from rebalancer.placement import Placement
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.rules import Rule, Rulebook, rules_for
from rebalancer.solve import Solution, solve
from rebalancer.solve.instance.evaluate import holds, overload_limits
from rebalancer.solve.instance.instance import Instance, Ints, instance_of
from rebalancer.solve.model.cp_sat import search
from rebalancer.solve.model.effort import NEVER, Deadline, Effort
from rebalancer.solve.model.tier import HeldTier, TierProblem, at_of
from rebalancer.solve.search.consolidate import fewest_hosts
from rebalancer.solve.search.per_host_bound import per_host_bound
from rebalancer.solve.search.relaxation_bound import RelaxationBound
from tests.solve.tiny import BALANCING, best, random_problem, tiny

SharedData = Callable[[str], Path]
Bounds = dict[str, float]

QUICK = Effort(deterministic=0.5, seed=1)
SMALL = ("16x250", "16x250-c", "16x250-h")
LARGE = ("32x600-h", "64x1500", "64x1500-h")
PRICES = {"area first": AREA_FIRST, "a pCPU-hour for 100 GiB": 0.01}
NOISE = 1e-6


def consolidating(problem: Problem) -> Problem:
    """*problem* with the fewest hosts wanted."""
    return replace(problem, policy=problem.policy.model_copy(update={"mode": Mode.CONSOLIDATE}))


def held(instance: Instance, at: Ints, *objectives: Objective) -> tuple[HeldTier, ...]:
    """*objectives* as good as where the units are *at*."""
    found = []
    for objective in objectives:
        tier = TierProblem(instance=instance, objective=objective)
        model, goal = tier.model(tier.at(at))
        found.append(HeldTier(objective=objective, value=model.value(goal, at)))
    return tuple(found)


def bounds_of_balance(tier: TierProblem, effort: Effort) -> Bounds:
    """By name, in pCPU-hours: every host by itself, the relaxation of large pools, and the model of the whole."""
    instance = tier.instance
    goal = tier.model(tier.at(instance.home))[1]
    relaxation = RelaxationBound(tier, goal, overload_limits(instance), effort)
    relaxation.wait()
    relaxation.stop()
    model, whole = tier.optimistic().model(tier.whole())
    return {
        "what every host has to shed": float(per_host_bound(tier.optimistic(), effort).bound),
        relaxation.words: float(relaxation.bound * goal.worth),
        "the whole model": whole.truth(search(model, whole, effort).bound),
    }


@pytest.mark.parametrize(("until", "on_time"), [(NEVER, True), (Deadline(0.0), False)])
def test_a_relaxation_that_the_clock_keeps_from_beginning_says_so(until: Deadline, *, on_time: bool) -> None:
    """Its bound is then not the one that the same input always has."""
    problem = random_problem(0)
    tier = TierProblem(instance=instance_of(Rulebook(problem, rules_for(problem))), objective=Balance())
    goal = tier.model(tier.at(tier.instance.home))[1]
    relaxation = RelaxationBound(tier, goal, overload_limits(tier.instance), replace(QUICK, until=until))
    relaxation.wait()
    relaxation.stop()
    assert relaxation.on_time is on_time


def test_load_that_is_held_is_held_in_relaxations() -> None:
    """a stays 0.2 pCPUs over; b may not add 0.4 to that again, and has to go for its 8 GiB.

    Above 90 % a pCPU-hour costs 1.25, so that loads with levels are counted in quarters of what they are without.
    """
    objective = {"levels": [(0.9, 1.25)], "pcpu_hours_per_gib": 1.0}
    vms, load = {"a": ("h1", 4.0), "b": ("h1", 8.0)}, {"a": [12.2] * 4, "b": [0.4] * 4}
    ready = instance_of(Rulebook.of(tiny(vms, load=load, held=["a"], objective=objective)))
    tier = TierProblem(instance=ready, objective=Balance(), held=held(ready, np.array([1]), LoadCost()))
    bounds = bounds_of_balance(tier, QUICK)
    assert bounds.pop("what every host has to shed") == 0
    assert [*bounds.values()] == pytest.approx([8.8, 8.8])


def answers(instance: Json, problem: Problem, found: Solution) -> Iterator[tuple[str, Placement]]:
    """What there is to be compared with: staying, greedy, the hill climb at all levels, and ours."""
    start = dict(problem.initial.host_of)
    yield "staying", problem.initial
    yield "greedy", Placement(start | {move.vm: move.target for move in greedy(instance)})
    for level in range(1, 6):
        moves = hill_climb(instance, level)
        yield f"hill climb {level}", Placement(start | {move.vm: move.target for move in moves})
    yield "ours", found.placement


def legal(instance: Instance, placement: Placement) -> bool:
    """Whether no rule refuses *placement*."""
    apart = [{placement[vm] for vm in members} for members in instance.units]
    return all(len(hosts) == 1 for hosts in apart) and holds(instance, at_of(instance, placement))


def assert_below_answers(instance: Json, problem: Problem, prices: dict[str, float], effort: Effort) -> None:
    """Every bound, with as much broken as each answer breaks, is at most what the answer is worth."""
    compared = set()
    found = solve(Rulebook(problem, RULES))
    for price in prices.values():
        objective = problem.policy.objective.model_copy(update={"pcpu_hours_per_gib": price})
        priced = replace(problem, policy=problem.policy.model_copy(update={"objective": objective}))
        ready, bounds = instance_of(Rulebook(priced, RULES)), {}
        for name, placement in answers(instance, priced, found):
            if not legal(ready, placement):
                continue
            broken = held(ready, at_of(ready, placement), Repair())
            if broken[0].value not in bounds:
                tier = TierProblem(instance=ready, objective=Balance(), held=broken)
                bounds[broken[0].value] = bounds_of_balance(tier, effort)
            worth = Balance().value(placement, Rulebook.of(priced))
            too_high = {by: bound for by, bound in bounds[broken[0].value].items() if bound > worth + NOISE * worth}
            assert not too_high, f"{name} is worth {worth}"
            compared.add(name)
    assert {"staying", "greedy", "ours"} <= compared


def shared_instance(shared_data: SharedData, name: str) -> Json:
    """One of the shared instances."""
    return read_instance(shared_data(f"instances/{name}.json.gz"))


@pytest.mark.parametrize("heat", [1.0, 2.5])
@pytest.mark.parametrize("budget", [0, 2])
@pytest.mark.parametrize("seed", range(8))
def test_every_bound_is_below_the_optimum_of_brute_force(seed: int, budget: int, heat: float) -> None:
    """On pools of which every placement is looked at, with and without peaks, some of them hot as a whole.

    After next to no work, too.
    """
    problem = with_peaks(heated(random_problem(seed), heat), budget)
    breaches, optimum = best(problem, BALANCING)
    rules: tuple[Rule, ...] = rules_for(problem)
    broken = (HeldTier(objective=Repair(), value=round(breaches)),)
    tier = TierProblem(instance=instance_of(Rulebook(problem, rules)), objective=Balance(), held=broken)
    for work in (0.0005, 2.0):
        bounds = bounds_of_balance(tier, replace(QUICK, deterministic=work))
        assert max(bounds.values()) <= optimum + 1e-9, bounds


@pytest.mark.parametrize("price", [0.05, 2.0])
@pytest.mark.parametrize("seed", range(6))
def test_bounds_count_the_price_of_moves_and_never_too_much(seed: int, price: float) -> None:
    """Every bound, by name, against brute force where each move costs something."""
    problem = random_problem(seed)
    objective = problem.policy.objective.model_copy(update={"pcpu_hours_per_move": price})
    problem = replace(problem, policy=problem.policy.model_copy(update={"objective": objective}))
    breaches, optimum = best(problem, BALANCING)
    broken = (HeldTier(objective=Repair(), value=round(breaches)),)
    instance = instance_of(Rulebook.of(problem))
    tier = TierProblem(instance=instance, objective=Balance(), held=broken)
    bounds = bounds_of_balance(tier, QUICK)
    assert max(bounds.values()) <= optimum + 1e-9, bounds
    assert bounds["the whole model"] == pytest.approx(optimum, abs=1e-6)


def heated(problem: Problem, heat: float) -> Problem:
    """*problem* with loads that are *heat* times as high, in thousandths."""
    assert problem.demand is not None
    loads = np.round(problem.demand.vm_pcpu * heat, 3)
    return replace(problem, demand=replace(problem.demand, vm_pcpu=loads))


def ragged(problem: Problem, scale: float) -> Problem:
    """*problem* with loads that are whole in no parts of a pCPU, and with area before GiB."""
    assert problem.demand is not None
    loads = replace(problem.demand, vm_pcpu=problem.demand.vm_pcpu * scale * 1.00001234567)
    objective = problem.policy.objective.model_copy(update={"pcpu_hours_per_gib": AREA_FIRST})
    return replace(problem, demand=loads, policy=problem.policy.model_copy(update={"objective": objective}))


@pytest.mark.parametrize("scale", [0.4, 0.8])
@pytest.mark.parametrize("seed", range(8))
def test_bound_of_ragged_loads_is_the_optimum_where_all_overload_goes(seed: int, scale: float) -> None:
    """Roundings are far above the price of a GiB here; and no bound is above the optimum of brute force."""
    problem = ragged(random_problem(seed), scale)
    optimum = best(problem, BALANCING)[-1]
    tier = solve(Rulebook.of(problem)).tiers[-1]
    assert tier.bound <= optimum * (1 + 1e-9)
    if LoadCost().value(solve(Rulebook.of(problem)).placement, Rulebook.of(problem)) == 0:
        assert tier.bound == pytest.approx(optimum, rel=1e-9)


@pytest.mark.parametrize("budget", [0, 2])
@pytest.mark.parametrize("seed", range(8))
def test_counted_hosts_are_no_more_than_brute_force_needs(seed: int, budget: int) -> None:
    """Where overload is held, in pools that are quiet enough to free hosts, with and without peaks."""
    problem = random_problem(seed)
    assert problem.demand is not None
    quiet = replace(problem.demand, vm_pcpu=np.round(problem.demand.vm_pcpu * 0.3, 3))
    problem = consolidating(with_peaks(replace(problem, demand=quiet), budget))
    rules: tuple[Rule, ...] = rules_for(problem)
    breaches, overload, hosts = best(problem, (Repair(), LoadCost(), HostsInUse()))
    instance = instance_of(Rulebook(problem, rules))
    worth = TierProblem(instance=instance, objective=LoadCost()).model(
        TierProblem(instance=instance, objective=LoadCost()).whole()
    )
    parts = HeldTier(objective=LoadCost(), value=int(np.ceil(overload / float(worth[1].worth) - 1e-6)))
    broken = HeldTier(objective=Repair(), value=round(breaches))
    assert fewest_hosts(TierProblem(instance=instance, objective=HostsInUse(), held=(broken, parts))) <= hosts


@pytest.mark.slow
@pytest.mark.parametrize("budget", [0, 3])
@pytest.mark.parametrize("name", SMALL)
def test_no_bound_is_above_an_answer_to_a_shared_pool(shared_data: SharedData, name: str, budget: int) -> None:
    """Answers of greedy, of the hill climb at every level and ours, area first and GiB dear, with and without peaks."""
    instance = shared_instance(shared_data, name)
    problem = problem_of(instance, seconds=5, seed=1)
    assert_below_answers(instance, with_peaks(problem, budget), PRICES, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_no_bound_is_above_an_answer_to_a_large_shared_pool(shared_data: SharedData, name: str) -> None:
    """No bound exceeds an answer where the relaxation counts overload on part of the hosts and slots only."""
    instance = shared_instance(shared_data, name)
    assert_below_answers(instance, problem_of(instance, seconds=10, seed=1), PRICES, QUICK)


@pytest.mark.parametrize("name", ["16x250", "64x1500"])
def test_no_bound_is_above_what_other_balancers_were_measured_at(shared_data: SharedData, name: str) -> None:
    """Balancers that are not ours to run: those that left area 0, broke nothing and made moves that fit."""
    problem = problem_of(shared_instance(shared_data, name), seconds=10, seed=1)
    tier = TierProblem(instance=instance_of(Rulebook(problem, RULES)), objective=Balance())
    bound = float(per_host_bound(tier.optimistic(), QUICK).bound) / AREA_FIRST
    rows = json.loads(MEASURED.read_text(encoding="utf-8"))["rows"]
    clean = [row for row in rows if (row["instance"], row["area"], row["broken"], row["note"]) == (name, 0, 0, "")]
    assert len(clean) >= 2
    # GiB of the report are whole numbers.
    assert min(row["gib"] for row in clean) >= bound - 0.5


@pytest.mark.parametrize("budget", [0, 2])
@pytest.mark.parametrize("seed", [1, 2])
def test_no_count_of_hosts_is_above_an_answer(seed: int, budget: int) -> None:
    """What is left in use after consolidating a generated pool, by us and by nobody, with and without peaks."""
    instance = generate("8x80", seed)
    problem = consolidating(with_peaks(problem_of(instance, seconds=3, seed=1), budget))
    ready, found = instance_of(Rulebook(problem, RULES)), solve(Rulebook(problem, RULES))
    for placement in (problem.initial, found.placement):
        kept = held(ready, at_of(ready, placement), LoadCost())
        tier = TierProblem(instance=ready, objective=HostsInUse(), held=kept)
        assert fewest_hosts(tier) <= HostsInUse().value(placement, Rulebook.of(problem))
    assert all(tier.bound <= tier.after + NOISE for tier in found.tiers)
