"""What stays broken wherever VMs go is known without a search, and never said to be more than it is."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from rebalancer.problem import Problem
from rebalancer.rules import Rulebook, rules_for
from rebalancer.solve import solve
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.search.breach_bound import fewest_breaches, matched
from tests.solve.tiny import BALANCING, best, random_problem, tiny


def bound_of(problem: Problem) -> int:
    """Breaches that no placement is below."""
    return fewest_breaches(instance_of(Rulebook(problem, rules_for(problem)))).total


@pytest.mark.parametrize("seed", range(30))
def test_never_above_the_fewest_of_brute_force(seed: int) -> None:
    """Random pools with groups, pins and broken limits."""
    problem = random_problem(seed)
    assert bound_of(problem) <= best(problem, BALANCING)[0]


def crowded(vms: int, **sections: Any) -> Problem:  # noqa: ANN401 - sections of a policy
    """So many VMs on h1, no two of which are to share one of three hosts."""
    names = [f"v{number}" for number in range(vms)]
    apart = [{"name": "web", "vms": names, "hard": False}]
    return tiny(dict.fromkeys(names, ("h1", 1.0)), load={}, apart=apart, **sections)


def test_vms_without_a_host_of_their_own_stay_together() -> None:
    """Five VMs on three hosts: two share a host with another."""
    assert bound_of(crowded(5)) == 2


def test_whom_somebody_holds_stays_where_it_is() -> None:
    """Of four VMs three are held on h1: two breaches there, and the fourth finds a host."""
    assert bound_of(crowded(4, held=("v0", "v1", "v2"))) == 2


def test_a_host_that_is_closed_to_a_vm_is_no_place_for_it() -> None:
    """v0 and v1 may only be on h1."""
    pins = [{"name": "pin", "vms": ["v0", "v1"], "hosts": ["h1"]}]
    assert bound_of(crowded(3, run_on=pins)) == 1


def test_repairs_are_proved_where_places_run_out() -> None:
    """The search need not find the proof: of five VMs, two stay with another."""
    tier = solve(Rulebook.of(crowded(5, limits={"minimum_gain_pcpu_hours": 0, "solve_seconds": 1}))).tiers[0]
    assert (tier.after, tier.bound, tier.proved) == (2, 2, True)


@pytest.mark.parametrize("seed", range(20))
def test_a_matching_is_the_largest(seed: int) -> None:
    """Beside all ways to place five rows on three hosts or nowhere."""
    random = np.random.default_rng(seed)
    legal, places = random.random((5, 3)) < 0.5, random.integers(0, 3, 3)
    most = 0
    for hosts in product(range(4), repeat=5):
        allowed = all(host == 3 or legal[row, host] for row, host in enumerate(hosts))
        if allowed and all(hosts.count(host) <= places[host] for host in range(3)):
            most = max(most, 5 - hosts.count(3))
    assert matched(legal, places) == most
