"""VMs that are a last resort move only where nothing else relieves as much."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.policy import intent_of
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from tests.pools import make_host, make_pool, make_vm, policy_of
from tests.solve.reluctant import ANY_GAIN, HOT, ON_H1, reluctant
from tests.solve.tiny import BALANCING, best, random_problem, tiny


@pytest.mark.parametrize("price", [0.25, 5.0])
@pytest.mark.parametrize("seed", range(8))
def test_the_price_is_restricted_the_optimum(seed: int, price: float) -> None:
    """Every tier equals brute force over all placements, proved."""
    problem = reluctant(random_problem(seed), "v0", "v2", price=price)
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, BALANCING), abs=1e-9)
    assert all(tier.proved for tier in solution.tiers)


def test_another_vm_moves_instead() -> None:
    """b is the cheapest to move; as a last resort it stays and a goes, for four times the GiB."""
    problem = reluctant(tiny(ON_H1, load=HOT, limits=ANY_GAIN), "b")
    placement = solve(Rulebook.of(problem)).placement
    assert placement["a"] != "h1"
    assert placement["b"] == placement["c"] == "h1"


def test_overload_that_nothing_else_clears_forces_it() -> None:
    """With a and c held, only b can go: 8 pCPU-hours are more than its price of 1, and less than one of 9."""
    pinned: dict[str, Any] = {"never_move": ["a", "c"]}
    problem = tiny(ON_H1, load=HOT, objective={"levels": ()}, limits=ANY_GAIN, **pinned)
    assert solve(Rulebook.of(reluctant(problem, "b"))).placement["b"] != "h1"
    assert solve(Rulebook.of(reluctant(problem, "b", price=9.0))).placement["b"] == "h1"


def test_evacuation_spares_it_where_another_may_make_room() -> None:
    """Either c or d may leave h2 for h3 to make room for a; c is smaller, but a last resort."""
    hosts = {"h1": 32.0, "h2": 20.0, "h3": 11.0}
    vms = {"a": ("h1", 12.0), "c": ("h2", 6.0), "d": ("h2", 7.0)}
    problem = tiny(vms, hosts=hosts, mode="evacuate", empty=["h1"])
    assert solve(Rulebook.of(problem)).placement["c"] == "h3"
    solution = solve(Rulebook.of(reluctant(problem, "c")))
    assert (solution.placement["c"], solution.placement["d"]) == ("h2", "h3")
    assert [tier.objective for tier in solution.tiers][:2] == ["last-resort", "migration-cost"]


def test_a_tag_makes_a_last_resort() -> None:
    """`rebalancer:last-resort` counts like the policy, and not at all where tags are not read."""
    pool = make_pool(hosts=[make_host("h1")], vms=[make_vm("a", on="h1", tags=("rebalancer:last-resort",))])
    assert intent_of(policy_of(), pool).last_resort == {"a": "tag rebalancer:last-resort"}
    assert intent_of(policy_of(intent={"read_tags": False}), pool).last_resort == {}
