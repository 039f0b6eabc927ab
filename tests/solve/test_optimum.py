"""What the solver finds is the best there is, as brute force over tiny pools tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rebalancer.objectives import LoadCost, MigrationCost, Repair, Spread
from rebalancer.placement import Migration
from rebalancer.rules import Rulebook
from rebalancer.solve import Outcome, solve
from tests.solve.tiny import BALANCING, best, random_problem, tiny

HOT = {"a": (7.0,) * 4, "b": (8.0, 2.0, 8.0, 2.0), "c": (1.0,) * 4}
"""On one host of 16 pCPUs: 16 in two slots of four, 12 of which are below the threshold."""
ON_H1 = {"a": ("h1", 8.0), "b": ("h1", 2.0), "c": ("h1", 4.0)}
ANY_GAIN = {"minimum_gain_pcpu_hours": 0}


@pytest.mark.parametrize("seed", range(12))
def test_lexicographic_optimum_equals_brute_force(seed: int) -> None:
    """Tier after tier, with hours and GiB of the size that real pools have."""
    problem = random_problem(seed)
    solution = solve(Rulebook.of(problem))
    expected = best(problem, BALANCING)
    assert [tier.after for tier in solution.tiers] == pytest.approx(expected, abs=1e-9)
    assert all(tier.proved and tier.bound <= tier.after for tier in solution.tiers)


@pytest.mark.parametrize("price", [0.05, 2.0])
@pytest.mark.parametrize("seed", range(8))
def test_the_optimum_with_a_price_for_every_move_equals_brute_force(seed: int, price: float) -> None:
    """Whether moves cost little or as much as overload; the bound counts them as well."""
    problem = random_problem(seed)
    objective = problem.policy.objective.model_copy(update={"pcpu_hours_per_move": price})
    problem = replace(problem, policy=problem.policy.model_copy(update={"objective": objective}))
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, BALANCING), abs=1e-9)
    assert all(tier.proved and tier.bound <= tier.after for tier in solution.tiers)


def test_a_price_for_every_move_makes_fewer_moves() -> None:
    """4 GiB in two VMs or 8 in one take away the same; with a price on each move the one is cheaper."""
    load = {"a": (4.0,) * 4, "b": (2.0,) * 4, "c": (2.0,) * 4, "stays": (8.0,) * 4}
    vms = {"a": ("h1", 8.0), "b": ("h1", 2.0), "c": ("h1", 2.0), "stays": ("h1", 1.0)}
    moved = {}
    for price in (0.0, 0.01):
        problem = tiny(vms, load=load, held=["stays"], limits=ANY_GAIN, objective={"pcpu_hours_per_move": price})
        placement = solve(Rulebook.of(problem)).placement
        moved[price] = {move.vm for move in problem.initial.moves_to(placement)}
    assert moved == {0.0: {"b", "c"}, 0.01: {"a"}}


@pytest.mark.parametrize("seed", range(6))
def test_bound_is_never_above_the_optimum_of_unrounded_loads(seed: int) -> None:
    """Loads that are no whole thousandths are rounded up by the solver; its bound stays below the exact optimum."""
    problem = random_problem(seed)
    assert problem.demand is not None
    noise = np.random.default_rng(seed).uniform(0, 0.01, problem.demand.vm_pcpu.shape)
    problem.demand.vm_pcpu[:] += noise
    solution = solve(Rulebook.of(problem))
    optimum = best(problem, BALANCING)[1]
    assert solution.tiers[1].bound <= optimum + 1e-9
    assert solution.tiers[1].after == pytest.approx(optimum, abs=1e-4)


def test_the_cheapest_of_equal_moves_is_made() -> None:
    """Moving b, of 2 GiB, cures the overload as well as moving a, of 8."""
    solution = solve(Rulebook.of(tiny(ON_H1, load=HOT, limits=ANY_GAIN)))
    assert solution.outcome is Outcome.IMPROVED
    assert [tier.after for tier in solution.tiers] == pytest.approx([0, 0.002])
    assert solution.placement["b"] != "h1"
    assert solution.placement["a"] == solution.placement["c"] == "h1"


def test_a_move_has_to_earn_what_it_costs() -> None:
    """At 10 pCPU-hours for a GiB, 8 pCPU-hours of overload are cheaper than moving 2 GiB."""
    solution = solve(
        Rulebook.of(tiny(ON_H1, load=HOT, objective={"pcpu_hours_per_gib": 10.0, "levels": ()}, limits=ANY_GAIN))
    )
    assert solution.outcome is Outcome.NOTHING_BETTER
    assert "proved" in solution.reason


def test_a_gain_below_the_minimum_is_not_made() -> None:
    """8 pCPU-hours are to be gained; a policy that asks for 9 gets no moves, and is told why."""
    problem = tiny(ON_H1, load=HOT, objective={"levels": ()}, limits={"minimum_gain_pcpu_hours": 9})
    solution = solve(Rulebook.of(problem))
    assert solution.outcome is Outcome.NOT_WORTH_IT
    assert solution.placement.host_of == problem.initial.host_of
    assert solution.reason == "the best moves found gain 8 pCPU-hours; the policy asks for 9"


def test_repairs_are_made_however_little_balancing_gains() -> None:
    """Two VMs that should be apart are parted at the least cost, although nothing else is worth a move."""
    limits = {"minimum_gain_pcpu_hours": 100}
    solution = solve(Rulebook.of(tiny(ON_H1, load=HOT, limits=limits, apart=[{"name": "g", "vms": ["a", "c"]}])))
    assert solution.outcome is Outcome.REPAIRED
    assert [(tier.objective, tier.after) for tier in solution.tiers][:2] == [("repair", 0), ("migration-cost", 4)]


@pytest.mark.parametrize(("limits", "cost"), [({"maximum_moves": 1}, 4), ({"maximum_gib": 4.0}, 4), ({}, 8)])
def test_limits_on_moves_hold(limits: dict[str, float], cost: float) -> None:
    """Two wishes are broken; with one move or 4 GiB allowed, only one of them is mended."""
    vms = {"a": ("h1", 4.0), "b": ("h1", 4.0), "c": ("h2", 4.0), "d": ("h2", 4.0)}
    wishes = [{"name": "one", "vms": ["a", "b"]}, {"name": "two", "vms": ["c", "d"]}]
    problem = tiny(vms, apart=wishes, mode="repair", limits=limits)
    solution = solve(Rulebook.of(problem))
    assert solution.tiers[0].after == Repair().value(solution.placement, Rulebook.of(problem)) == 2 - cost / 4
    assert MigrationCost().value(solution.placement, Rulebook.of(problem)) == cost


def test_forbidden_moves_are_not_made_together() -> None:
    """The best placement is forbidden; the next one is as good as brute force without it."""
    problem = tiny(ON_H1, load=HOT, limits=ANY_GAIN)
    first = solve(Rulebook.of(problem))
    again = solve(Rulebook.of(problem), forbidden=[frozenset(problem.initial.moves_to(first.placement))])
    assert again.placement.host_of != first.placement.host_of
    assert again.tiers[1].after == pytest.approx(first.tiers[1].after)


def test_moves_of_which_one_is_impossible_forbid_nothing() -> None:
    """A no-good that names a VM that never moves is kept by every placement."""
    problem = tiny(ON_H1, load=HOT, limits=ANY_GAIN, never_move=["c"])
    moves = frozenset({Migration(vm="b", source="h1", target="h2"), Migration(vm="c", source="h1", target="h2")})
    assert solve(Rulebook.of(problem), forbidden=[moves]).tiers[1].after == pytest.approx(0.002)


def test_clean_up_lowers_the_peak_and_holds_what_came_before() -> None:
    """Of all cheapest cures, the one with the lowest peak; overload and GiB as without it."""
    plain = solve(Rulebook.of(tiny(ON_H1, load=HOT, limits=ANY_GAIN)))
    problem = tiny(
        ON_H1 | {"d": ("h2", 2.0)}, load=HOT | {"d": (6.0,) * 4}, limits=ANY_GAIN, objective={"clean_up": ["peak"]}
    )
    solution = solve(Rulebook.of(problem))
    assert [tier.objective for tier in solution.tiers] == ["repair", "balance", "peak"]
    assert solution.tiers[1].after == pytest.approx(plain.tiers[1].after)
    assert solution.placement["b"] == "h3"
    assert solution.tiers[2].after == pytest.approx(0.5)


@pytest.mark.parametrize("order", [("spread", "peak"), ("peak", "spread")])
@pytest.mark.parametrize("seed", range(8))
def test_clean_up_is_the_best_of_all_placements(seed: int, order: tuple[str, ...]) -> None:
    """In the order of the policy, after everything else, as brute force over all placements tells."""
    problem = random_problem(seed)
    wish = problem.policy.objective.model_copy(update={"clean_up": order})
    wanted = replace(problem, policy=problem.policy.model_copy(update={"objective": wish}))
    solution = solve(Rulebook.of(wanted))
    assert [tier.objective for tier in solution.tiers] == ["repair", "balance", *order]
    held = best(wanted, BALANCING)
    assert [tier.after for tier in solution.tiers[:2]] == pytest.approx(held, abs=1e-6)
    spread = next(tier for tier in solution.tiers if tier.objective == "spread")
    assert spread.bound <= spread.after + 1e-6
    if order[0] == "spread":
        evenest = best(wanted, (*BALANCING, Spread()))[-1]
        assert spread.after == pytest.approx(evenest, abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_same_input_same_answer(seed: int) -> None:
    """Twice the same problem, twice the same placement and the same tiers."""
    first, second = (solve(Rulebook.of(random_problem(seed))) for _ in range(2))
    assert first == second
    assert first.reproducible


def test_overload_of_the_answer_is_what_the_objective_says() -> None:
    """Tiers carry exact values, not the solver's rounded ones."""
    problem = random_problem(3)
    solution = solve(Rulebook.of(problem))
    cost = MigrationCost().value(solution.placement, Rulebook.of(problem)) * 0.001
    assert solution.tiers[1].after == pytest.approx(LoadCost().value(solution.placement, Rulebook.of(problem)) + cost)


@pytest.mark.parametrize("seed", range(10))
def test_repairs_alone_do_no_harm(seed: int) -> None:
    """Where balancing gains too little, repairs mend as much, with no more overload than tonight or the best has."""
    problem = random_problem(seed)
    best_overload = LoadCost().value(solve(Rulebook.of(problem)).placement, Rulebook.of(problem))
    limits = problem.policy.limits.model_copy(update={"minimum_gain_pcpu_hours": 1000})
    strict = replace(problem, policy=problem.policy.model_copy(update={"limits": limits}))
    placement, repair = solve(Rulebook.of(strict)).placement, Repair()
    assert repair.value(placement, Rulebook.of(problem)) == best(problem, (repair,))[0]
    tonight = LoadCost().value(problem.initial, Rulebook.of(problem))
    assert LoadCost().value(placement, Rulebook.of(problem)) <= max(tonight, best_overload) + 1e-6
