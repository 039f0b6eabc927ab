"""What is said where nothing satisfies the rules, against brute force on tiny pools."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest

from rebalancer.errors import Infeasible
from rebalancer.problem import Problem
from rebalancer.rules import Legality, Origin, PoolRule, Rule, end_violations, rules_for
from rebalancer.solve import solve
from tests.solve.tiny import placements, tiny


def crowded(seed: int) -> Problem:
    """A host to be emptied into others where groups, pins, reserves and hosts to spare stand in the way."""
    chance = random.Random(seed)
    names = [f"v{number}" for number in range(4)]
    placed = {name: ("h1" if number < 2 else chance.choice(["h2", "h3"]), 4.0) for number, name in enumerate(names)}
    sections: dict[str, Any] = {
        "apart": [{"name": "a", "vms": names[: chance.choice([3, 4])]}],
        "run_on": [{"name": "r", "vms": ["v1"], "hosts": ["h1", chance.choice(["h2", "h3"])]}],
        "reserve": [{"hosts": ["h2"], "memory_mib": 1024 * chance.choice([1, 20, 26])}],
    }
    return tiny(placed, mode="evacuate", empty=["h1"], **sections)


def least_gib(problem: Problem, rules: Sequence[Rule]) -> float | None:
    """GiB of the VMs that move in the cheapest placement that the checker accepts and that leaves h1 empty."""
    legality = Legality(problem, rules)
    pool_rules = [rule for rule in rules if isinstance(rule, PoolRule)]
    targets = {vm: {*legality.targets(problem.pool.vms[vm]), problem.initial[vm]} for vm in problem.initial}
    return min(
        (
            4.0 * len(problem.initial.moves_to(goal))
            for goal in placements(problem)
            if "h1" not in goal.host_of.values()
            and all(goal[vm] in targets[vm] for vm in goal)
            and not end_violations(pool_rules, problem, goal)
        ),
        default=None,
    )


def cheapest(problem: Problem) -> tuple[float, list[str]] | None:
    """The cheapest of the smallest sets of one or two of the policy's rules to do without, by trying all of them."""
    rules = rules_for(problem)
    own = [rule for rule in rules if isinstance(rule, PoolRule) and rule.origin is Origin.POLICY]
    for size in (1, 2):
        found = []
        for each in combinations(own, size):
            gib = least_gib(problem, [rule for rule in rules if rule not in each])
            if gib is not None:
                found.append((gib, sorted(rule.id for rule in each)))
        if found:
            return min(found)
    return None


@pytest.mark.parametrize("seed", range(12))
def test_cheapest_way_out_is_that_of_brute_force(seed: int) -> None:
    """Where the policy's own rules exclude everything, the cheapest ones to do without stand in the error."""
    problem = crowded(seed)
    if least_gib(problem, rules_for(problem)) is not None:
        assert "h1" not in solve(problem).placement.host_of.values()
        return
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    found = cheapest(problem)
    said = [each for each in refused.value.blame if each.startswith("the cheapest way out")]
    if found is None:
        assert said == []
    else:
        gib, ids = found
        moves = f"then {gib / 4:.0f} VMs move, and {gib:.4g} GiB are copied"
        assert said == [f"the cheapest way out is to do without {' and '.join(ids)}: {moves}"]


def test_some_of_these_pools_have_no_way() -> None:
    """The comparison is made: half of them or more are infeasible, and not for all is a single rule enough."""
    stuck = [problem for problem in map(crowded, range(12)) if least_gib(problem, rules_for(problem)) is None]
    assert len(stuck) >= 6
    assert len({len(found[1]) for problem in stuck if (found := cheapest(problem))}) >= 1
    assert any(cheapest(problem) for problem in stuck)


def test_hosts_to_spare_are_blamed_and_can_be_done_without() -> None:
    """Two hosts can hold all VMs, but not restart those of one on the other: the error names spare, and the price."""
    placed = {"a": ("h1", 4.0), "b": ("h2", 4.0), "c": ("h3", 4.0)}
    hosts = {"h1": 9.0, "h2": 9.0, "h3": 9.0}
    problem = tiny(placed, hosts=hosts, mode="evacuate", empty=["h1"], spare={"hosts": 1, "vms": "all"})
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    assert refused.value.blame == (
        "rule spare excludes every placement; without it there is one",
        "the cheapest way out is to do without spare: then 1 VM moves, and 4 GiB are copied",
    )
