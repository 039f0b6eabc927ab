"""Two resources in conflict: each in its own unit, against brute force."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from rebalancer.objectives import Balance, HostsInUse, LoadCost, Overload, Peak, Repair, Spread, host_load
from rebalancer.placement import Placement
from rebalancer.policy import Mode, ObjectivePolicy
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.solve.instance.evaluate import load_levels, load_of, overload_limits
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.cp_sat import search
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.tier import TierProblem, placement_of
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.local_search import local_search
from rebalancer.solve.search.per_host_bound import per_host_bound, pool_cost
from rebalancer.solve.search.priorities import objectives_of
from rebalancer.solve.search.relaxation_bound import RelaxationBound
from tests.pools import policy_of
from tests.solve.tiny import BALANCING, best, random_problem, tiny

QUICK = Effort(deterministic=0.5, seed=1)
FULL = {"weight": 0.05, "threshold": 0.5, "levels": [[0.6, 3], [0.7, 5], [0.9, 20]]}


def weighing(problem: Problem, **memory: Any) -> Problem:  # noqa: ANN401 - keys of a policy
    """*problem* whose policy weighs memory beside CPU."""
    objective = {**problem.policy.objective.model_dump(mode="json"), "memory": memory}
    return replace(
        problem, policy=problem.policy.model_copy(update={"objective": ObjectivePolicy.model_validate(objective)})
    )


def conflicting(weight: float) -> Problem:
    """`hot` and `calm`, of 1 GiB, use 7 pCPUs each of h1; `big`, of 24 GiB, uses none on h2; dom0 holds 4 GiB."""
    vms = {"hot": ("h1", 1.0), "calm": ("h1", 1.0), "big": ("h2", 24.0)}
    load = {"hot": (7.0,) * 4, "calm": (7.0,) * 4, "big": (0.0,) * 4}
    problem = tiny(vms, hosts={"h1": 28.0, "h2": 28.0}, load=load, limits={"minimum_gain_pcpu_hours": 0})
    return weighing(problem, weight=weight, threshold=0.75, levels=[])


def placed(problem: Problem) -> dict[str, str]:
    """Where the answer has the VMs, which is proved best."""
    solution = solve(Rulebook.of(problem))
    assert solution.tiers[-1].proved
    return dict(solution.placement.host_of)


def test_memory_counts_what_vms_are_given() -> None:
    """h2 holds 24 GiB of `big` and dom0; a GiB above three quarters of what it has costs the weight, all day."""
    problem = conflicting(0.25)
    loads, book = problem.resources.all[0], Rulebook.of(problem)
    row, h2 = problem.demand.vms.index("big") if problem.demand else 0, list(problem.pool.hosts).index("h2")
    held, has = loads.vm[row, 0] + loads.base[h2, 0], loads.capacity[h2, 0]
    assert loads.vm[row, 0] == pytest.approx(24, abs=0.1)
    assert has == pytest.approx(32.5)
    assert loads.hours == (Fraction(4),)
    cpu = LoadCost().value(problem.initial, Rulebook.of(weighing(problem, weight=0)))
    above = max(0.0, held - 0.75 * has)
    assert above > 0.0
    assert LoadCost().value(problem.initial, book) == pytest.approx(cpu + above * 0.25 * 4)


@pytest.mark.parametrize(("weight", "crowded"), [(0.0, True), (0.01, True), (10.0, False)])
def test_the_weight_says_which_resource_gives_way(weight: float, crowded: bool) -> None:
    """A VM leaves the hot host for the full one as long as a GiB there costs less than what it relieves."""
    where = placed(conflicting(weight))
    assert ({"hot": where["hot"], "calm": where["calm"]} != {"hot": "h1", "calm": "h1"}) == crowded


def test_other_objectives_are_about_cpu_alone() -> None:
    """Overload, peak and spread say the same whatever memory weighs."""
    problem = random_problem(3)
    asked = weighing(problem, **FULL)
    for objective in (Overload(), Peak(), Spread()):
        same = objective.value(problem.initial, Rulebook.of(problem))
        assert objective.value(asked.initial, Rulebook.of(asked)) == same
        assert _by_model(asked, objective) == pytest.approx(_by_model(problem, objective))


def _by_model(problem: Problem, objective: Any) -> float:  # noqa: ANN401 - an objective
    """What the model of the initial placement says."""
    instance = instance_of(Rulebook.of(problem))
    goal, value = TierProblem(instance=instance, objective=objective).evaluate(instance.home)
    return float(value * goal.worth)


@pytest.mark.parametrize("seed", range(10))
def test_the_optimum_is_that_of_brute_force(seed: int) -> None:
    """Every tier, proved, on pools where both resources are short."""
    problem = weighing(random_problem(seed), **FULL)
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, BALANCING), abs=1e-9)
    assert all(tier.proved and tier.bound <= tier.after for tier in solution.tiers)


@pytest.mark.parametrize("seed", range(3))
def test_consolidation_counts_both(seed: int) -> None:
    """The least load cost first, of both resources, and then the fewest hosts."""
    problem = weighing(random_problem(seed), **FULL)
    problem = replace(problem, policy=problem.policy.model_copy(update={"mode": Mode.CONSOLIDATE}))
    tiers = (Repair(), LoadCost(), HostsInUse(), Balance())
    assert [tier.after for tier in solve(Rulebook.of(problem)).tiers] == pytest.approx(best(problem, tiers), abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_no_bound_is_above_the_best(seed: int) -> None:
    """Per host, of the pool as a whole, and of the relaxation: none is above what brute force finds."""
    problem = weighing(random_problem(seed), **FULL)
    instance = instance_of(Rulebook.of(problem))
    tier = TierProblem(instance=instance, objective=Balance())
    lowest = best(problem, (Balance(),))[0]
    goal = tier.evaluate(instance.home)[0]
    relaxation = RelaxationBound(tier, goal, overload_limits(instance), QUICK)
    relaxation.wait()
    relaxation.stop()
    model, whole = tier.optimistic().model(tier.whole())
    bounds = {
        "hosts": float(per_host_bound(tier.optimistic(), QUICK).bound),
        "pool": float(pool_cost(tier.optimistic().instance).cost),
        "relaxation": float(relaxation.bound * goal.worth),
        "whole": whole.truth(search(model, whole, QUICK).bound),
    }
    assert {name: bound for name, bound in bounds.items() if bound > lowest + 1e-6} == {}


def test_a_full_pool_has_a_bound_of_its_own() -> None:
    """What all hosts together hold above their thresholds is paid wherever VMs go: 3 x 16 GiB less 3 x 0.25 x 20.5."""
    vms = {f"v{number}": ("h1" if number < 2 else "h2", 12.0) for number in range(4)}
    problem = tiny(vms, hosts={"h1": 26.0, "h2": 26.0, "h3": 16.0}, load=dict.fromkeys(vms, (1.0,) * 4))
    problem = weighing(problem, weight=1.0, threshold=0.25, levels=[])
    loads = problem.resources.all[0]
    over = float(loads.vm.sum() + loads.base.sum() - 0.25 * loads.capacity.sum())
    assert float(pool_cost(instance_of(Rulebook.of(problem)).optimistic()).cost) == pytest.approx(over * 4, abs=0.1)


@pytest.mark.parametrize(("seed", "budget"), [(0, 0), (1, 0), (2, 2), (3, 2)])
def test_the_model_counts_what_the_objective_counts(seed: int, budget: int) -> None:
    """Load cost of every legal placement, by the model and by one in which nobody moves; with peaks, too."""
    problem = weighing(random_problem(seed, vms=4), **FULL)
    assert problem.demand is not None
    peaks = np.round(np.random.default_rng(seed).uniform(0, 4, problem.demand.vm_pcpu.shape), 3)
    wanted = problem.policy.demand.model_copy(update={"robust": budget > 0, "budget": budget})
    policy = problem.policy.model_copy(update={"demand": wanted})
    problem = replace(problem, policy=policy, demand=replace(problem.demand, vm_deviation_pcpu=peaks))
    instance = instance_of(Rulebook.of(problem))
    tier = TierProblem(instance=instance, objective=LoadCost())
    model, goal = tier.model(Scope(free=instance.legal, at=instance.home))
    for at in np.ndindex(*(3,) * len(instance.units)):
        where = np.array(at, dtype=np.int64)
        if instance.legal[np.arange(len(where)), where].all():
            exact = LoadCost().value(placement_of(instance, where), Rulebook.of(problem))
            assert float(model.value(goal, where) * goal.worth) == pytest.approx(exact, abs=1e-9)
            assert tier.evaluate(where)[1] == model.value(goal, where)


@pytest.mark.parametrize("seed", range(6))
def test_shifts_lower_what_both_cost(seed: int) -> None:
    """Local search adds up both resources, and never makes the total worse."""
    problem = weighing(random_problem(seed), **FULL)
    instance = instance_of(Rulebook.of(problem))
    levels = load_levels(instance)
    at = local_search(TierProblem(instance=instance, objective=Balance()), instance.home, levels, most=1.0).at
    hosts = np.arange(len(instance.hosts))
    before, after = (levels.cost(load_of(instance, each), hosts).sum() for each in (instance.home, at))
    assert after < before if (at != instance.home).any() else after == before
    exact = LoadCost().value(placement_of(instance, at), Rulebook.of(problem))
    assert after / instance.resolution.parts_per_pcpu == pytest.approx(exact)


def test_by_default_cpu_is_all_there_is() -> None:
    """Without a weight there are no columns beside those of CPU, and loads are what they were."""
    problem = random_problem(1)
    assert problem.resources.all == ()
    instance = instance_of(Rulebook.of(problem))
    assert instance.demand.shape[1] == instance.slots == 4
    where = Placement(dict(problem.initial.host_of))
    assert host_load(where, problem).shape == (3, 4)
    assert policy_of().objective.memory.weight == 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "wanted",
    [{"clean_up": ["peak", "spread"]}, {"level": 2.0}, {"lower_peak": 0.5}, {"priority": "load"}],
    ids=lambda wanted: next(iter(wanted)),
)
def test_every_tier_comes_out_as_by_brute_force(seed: int, wanted: dict[str, Any]) -> None:
    """Tiers about CPU alone come after a balance of both resources, which they hold."""
    problem = weighing(random_problem(seed, vms=4), **FULL)
    objective = {**problem.policy.objective.model_dump(mode="json"), **wanted}
    asked = problem.policy.model_copy(update={"objective": ObjectivePolicy.model_validate(objective)})
    problem = replace(problem, policy=asked)
    tiers = objectives_of(instance_of(Rulebook.of(problem)))
    solution = solve(Rulebook.of(problem))
    assert [tier.objective for tier in solution.tiers] == [tier.id for tier in tiers]
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, tiers), abs=1e-3)
    assert all(tier.bound <= tier.after + 1e-9 for tier in solution.tiers)
