"""Load or GiB first, or their sum: what the policy says, in every mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from rebalancer.errors import Infeasible
from rebalancer.objectives import Balance, LoadCost, MigrationCost, Objective, Repair
from rebalancer.placement import Placement
from rebalancer.policy import Mode, intent_of
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Outcome, solve
from tests.solve.conditioned import assert_true
from tests.solve.crowded import HOT, LOAD, VMS
from tests.solve.tiny import accepted_by_checker, random_problem, tiny

EVACUATE: dict[str, Any] = {"mode": "evacuate", "empty": ["h3"]}


def evacuating(**objective: Any) -> Problem:  # noqa: ANN401 - keys of a section
    """The pool above with h3 to be emptied."""
    return tiny(VMS, load=LOAD, **EVACUATE, objective=objective)


@pytest.mark.parametrize(
    ("objective", "tiers"),
    [
        ({}, {"migration-cost": 2, "load-cost": HOT}),
        ({"priority": "gib"}, {"migration-cost": 2, "load-cost": HOT}),
        ({"priority": "load"}, {"load-cost": 0, "balance": 6 * 0.001}),
        ({"priority": "sum"}, {"balance": 6 * 0.001}),
        ({"priority": "sum", "evacuation_pcpu_hours_per_gib": 11.9}, {"balance": 6 * 11.9}),
        ({"priority": "sum", "evacuation_pcpu_hours_per_gib": 12.1}, {"balance": 2 * 12.1 + HOT}),
        ({"priority": "sum", "pcpu_hours_per_move": 48.1}, {"balance": HOT + 48.1 + 2 * 0.001}),
    ],
)
def test_an_evacuation_where_load_and_gib_conflict(objective: dict[str, Any], tiers: dict[str, float]) -> None:
    """By hand: 4 GiB and a move more take away 4 slots at 15 of 16 pCPUs; the price decides if that is worth it."""
    solution = solve(Rulebook.of(evacuating(**objective)))
    assert solution.outcome is Outcome.EVACUATED
    assert {tier.objective: tier.after for tier in solution.tiers} == pytest.approx(tiers)
    assert all(tier.proved for tier in solution.tiers)
    assert "h3" not in solution.placement.host_of.values()


def test_an_evacuation_is_made_however_little_it_gains() -> None:
    """The minimum gain is for moves that nothing but load asks for."""
    problem = evacuating(priority="sum")
    limits = problem.policy.limits.model_copy(update={"minimum_gain_pcpu_hours": 1000.0})
    problem = replace(problem, policy=problem.policy.model_copy(update={"limits": limits}))
    assert solve(Rulebook.of(problem)).outcome is Outcome.EVACUATED


def test_without_metrics_the_fewest_gib_are_copied_whatever_comes_first() -> None:
    """There is no load to put first."""
    for priority in ("gib", "load", "sum"):
        solution = solve(Rulebook.of(tiny(VMS, **EVACUATE, objective={"priority": priority})))
        assert [(tier.objective, tier.after) for tier in solution.tiers] == [("migration-cost", 2)]


def test_balancing_with_gib_first_moves_nobody_for_load() -> None:
    """And with load first it pays whatever load asks for."""
    hot = {"a": ("h1", 8.0), "b": ("h1", 4.0)}
    load = {"a": (8.0,) * 4, "b": (8.0,) * 4}
    limits = {"minimum_gain_pcpu_hours": 0}
    found = {}
    for priority in ("gib", "sum", "load"):
        objective = {"priority": priority, "pcpu_hours_per_gib": 100.0}
        problem = tiny(hot, load=load, limits=limits, objective=objective)
        found[priority] = len(problem.initial.moves_to(solve(Rulebook.of(problem)).placement))
    assert found == {"gib": 0, "sum": 0, "load": 1}


ORDERS: dict[str, Sequence[Objective]] = {
    "gib": (MigrationCost(), LoadCost()),
    "load": (LoadCost(), Balance()),
    "sum": (Balance(),),
}


def prioritised(seed: int, mode: Mode, priority: str, price: float) -> Problem:
    """A random pool in a mode, with h2 to be emptied where that evacuates."""
    problem = random_problem(seed)
    prices = {"priority": priority, "pcpu_hours_per_gib": price, "pcpu_hours_per_move": price / 2}
    objective = problem.policy.objective.model_validate(prices)
    changes = {
        "mode": mode,
        "objective": objective,
        "empty": ("h2",) if mode is Mode.EVACUATE else problem.policy.empty,
    }
    policy = problem.policy.model_copy(update=changes)
    return replace(problem, policy=policy, intent=intent_of(policy, problem.pool))


@pytest.mark.parametrize("price", [0.01, 1.0])
@pytest.mark.parametrize("priority", ORDERS)
@pytest.mark.parametrize("mode", [Mode.EVACUATE, Mode.REPAIR, Mode.BALANCE])
@pytest.mark.parametrize("seed", range(3))
def test_every_mode_and_priority_equals_brute_force(seed: int, mode: Mode, priority: str, price: float) -> None:
    """Tier after tier the least there is, and bounds are true under the conditions that they name."""
    problem = prioritised(seed, mode, priority, price)
    vms, book = list(problem.initial), Rulebook.of(problem)
    wanted = ORDERS[priority] if mode is Mode.EVACUATE else (Repair(), *ORDERS[priority])
    goals = [
        Placement(dict(zip(vms, hosts, strict=True)))
        for hosts in accepted_by_checker(problem)
        if mode is not Mode.EVACUATE or "h2" not in hosts
    ]
    if not goals:
        with pytest.raises(Infeasible):
            solve(book)
        return
    least = min(tuple(round(objective.value(goal, book), 9) for objective in wanted) for goal in goals)
    solution = solve(book)
    reached = {tier.objective: tier.after for tier in solution.tiers}
    if mode is Mode.EVACUATE and priority == "gib" and "repair" in reached:
        least = least[:1]
    assert [reached[objective.id] for objective, _ in zip(wanted, least, strict=False)] == pytest.approx(
        least, abs=1e-6
    )
    assert_true(problem, solution.tiers)
