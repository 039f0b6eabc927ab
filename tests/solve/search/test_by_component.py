"""What shares nothing is solved apart, and what comes together is as good and as bounded as the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rebalancer.objectives import Balance, MigrationCost
from rebalancer.placement import Migration
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import TierProblem, pairs_of
from rebalancer.solve.search.components import components
from tests.solve.tiny import BALANCING, SLOTS, best, tiny

HOSTS = {"h1": 16.0, "h2": 16.0, "h3": 16.0, "h4": 16.0}
VMS = {"a": ("h1", 8.0), "b": ("h1", 4.0), "c": ("h2", 2.0), "d": ("h3", 8.0), "e": ("h3", 2.0)}
SIDES = ({"vms": ["a", "b", "c"], "hosts": ["h1", "h2"]}, {"vms": ["d", "e"], "hosts": ["h3", "h4"]})


def two_sides(seed: int, **sections: Any) -> Problem:  # noqa: ANN401 - sections of a policy
    """Two hosts for a, b and c, two others for d and e, with loads of *seed* that are too much for h1 and h3."""
    chance = np.random.default_rng(seed)
    load = {vm: tuple(chance.integers(4000, 9000, SLOTS) / 1000) for vm in VMS}
    run_on = [{"name": name, **side} for name, side in zip("lr", SIDES, strict=True)]
    limits = {"minimum_gain_pcpu_hours": 0, "solve_seconds": 20, **sections.pop("limits", {})}
    return tiny(VMS, hosts=HOSTS, load=load, run_on=run_on, limits=limits, **sections)


def hosts_apart(problem: Problem, forbidden: tuple[frozenset[Migration], ...] = ()) -> list[list[str]]:
    """The hosts of each component, by name."""
    instance = instance_of(Rulebook.of(problem))
    pairs = tuple(pairs_of(instance, sorted(moves)) or () for moves in forbidden)
    return [[instance.hosts[host] for host in each.hosts.tolist()] for each in components(instance, pairs)]


def test_hosts_that_no_vm_can_reach_from_each_other_are_apart() -> None:
    """The smaller side comes first."""
    assert hosts_apart(two_sides(1)) == [["h3", "h4"], ["h1", "h2"]]


@pytest.mark.parametrize(
    "wish",
    [
        {"apart": [{"name": "x", "vms": ["a", "d"], "hard": False}]},
        {"together": [{"name": "x", "vms": ["b", "e"], "hard": False}]},
        {"spread": [{"name": "x", "vms": ["a", "b", "d"], "domain": "rack", "hard": False}]},
    ],
)
def test_what_groups_join_is_not_apart(wish: dict[str, Any]) -> None:
    """VMs that keep apart over the sides cannot meet, so they join nothing; other wishes over both sides do."""
    assert len(hosts_apart(two_sides(1, **wish))) == (2 if "apart" in wish else 1)


def test_what_forbidden_moves_join_is_not_apart() -> None:
    """Moves on both sides that may not be made together are one question."""
    moves = frozenset({Migration(vm="b", source="h1", target="h2"), Migration(vm="e", source="h3", target="h4")})
    assert len(hosts_apart(two_sides(1), (moves,))) == 1


@pytest.mark.parametrize("seed", range(6))
def test_sides_add_up_to_the_optimum_of_the_whole(seed: int) -> None:
    """Brute force over both sides at once finds nothing better, and the sum of the bounds proves it."""
    problem = two_sides(seed)
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, BALANCING))
    assert all(tier.proved for tier in solution.tiers)
    assert "2 components" in solution.bound_by


@pytest.mark.parametrize("limits", [{"maximum_moves": 1}, {"maximum_gib": 6.0}])
@pytest.mark.parametrize("seed", range(3))
def test_limits_hold_over_both_sides(seed: int, limits: dict[str, float]) -> None:
    """What one side uses up the other cannot: the answer is the best of all that keep the limit together."""
    problem = two_sides(seed, limits=limits)
    solution = solve(Rulebook.of(problem))
    moves = problem.initial.moves_to(solution.placement)
    assert len(moves) <= limits.get("maximum_moves", 9)
    assert MigrationCost().value(solution.placement, Rulebook.of(problem)) <= limits.get("maximum_gib", 99)
    free = Balance().value(solve(Rulebook.of(two_sides(seed))).placement, Rulebook.of(problem))
    assert solution.tiers[1].bound >= free - 1e-9
    assert solution.tiers[1].proved


def test_a_component_says_what_the_whole_says() -> None:
    """Values of the components, wherever the units are, sum to the value of the whole."""
    instance = instance_of(Rulebook.of(two_sides(2)))
    whole = TierProblem(instance=instance, objective=Balance())
    chance = np.random.default_rng(1)
    for _ in range(20):
        at = np.array([chance.choice(np.flatnonzero(row)) for row in instance.legal])
        model, goal = whole.model(whole.at(at))
        total = 0.0
        for each in components(instance, ()):
            tier = TierProblem(instance=each.restricted(instance), objective=Balance())
            mine = np.searchsorted(each.hosts, at[each.units])
            part, own = tier.model(tier.at(mine))
            total += float(part.value(own, mine) * own.worth)
        assert total == pytest.approx(float(model.value(goal, at) * goal.worth))
