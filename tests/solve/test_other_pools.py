"""VMs that go to another pool: the solver accepts what the checker accepts, and finds the best of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from rebalancer.inventory import HighAvailability, Pool, join_pools
from rebalancer.objectives import HostsInUse
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from tests.local_disks import full_disk, two_disks
from tests.solve.both_pools import random_problem, with_room
from tests.solve.carried import accepted, assert_chosen_srs_are_accepted, hosts_of
from tests.solve.tiny import BALANCING, accepted_by_model, make_demand
from tests.two_pools import crossing_policy, one_pool, pool_host, pool_vm, two_pools

HA_ON = HighAvailability(enabled=True, host_failures_to_tolerate=0, plan_exists_for=0, allow_overcommit=False)


def small(side: str, *vms: Any, **parts: Any) -> Pool:  # noqa: ANN401 - VMs, and parts of a pool
    """A pool of one host, whose SRs have 100 GiB left."""
    pool = one_pool(side, *vms, hosts=parts.pop("hosts", [pool_host(f"{side}1")]), **parts)
    return with_room(pool, dict.fromkeys(pool.srs, 100.0))


def called_local(pool: Pool) -> Pool:
    """*pool* with local SRs of one name."""
    srs = {uuid: sr if sr.shared else replace(sr, name="local") for uuid, sr in pool.srs.items()}
    return replace(pool, srs=srs)


ENFORCED = {"rules": {"set": "enforced"}}
A, B, C = pool_vm("a", on="e1"), pool_vm("b", on="e1"), pool_vm("c", on="w1")
PAIR = pool_vm("a", on="e1", vbds=two_disks("a"))
CASES: dict[str, tuple[Pool, Pool, dict[str, Any]]] = {
    "room for all": (small("e", A, B), small("w", C), {}),
    "two hosts on one side": (one_pool("e", A, B), small("w", C), {}),
    "room for one": (small("e", A, B), with_room(small("w", C), {"w-shared": 45}), {}),
    "no network there": (small("e", A, B), small("w", C, hosts=[pool_host("w1", pifs=())]), {}),
    "one VM's disks by the map": (
        small("e", PAIR, vdis=[full_disk("a-disk1", "e-l1")]),
        small("w", C),
        {"srs": {"e-l1": "w-l1"}},
    ),
    "a map to the SR of each host": (
        small("e", A, B),
        with_room(called_local(one_pool("w", C)), {"w-l1": 100, "w-l2": 45}),
        {"srs": {"e-shared": "local"}},
    ),
    "a map to an SR without room": (
        small("e", A, B),
        with_room(small("w", C), {"w-shared": 100, "w-l1": 45}),
        {"srs": {"e-shared": "w-l1"}},
    ),
    "HA over there": (small("e", A, B), small("w", C, ha=HA_ON), {}),
    "HA where a VM is protected": (small("e", replace(A, ha_always_run=True), B, ha=HA_ON), small("w", C), ENFORCED),
    "together": (small("e", A, B), small("w", C), {"together": [{"name": "t", "vms": ["a", "b"]}]}),
    "apart over both": (small("e", A, B), small("w", C), {"apart": [{"name": "t", "vms": ["a", "c"]}]}),
}


@cache
def problem_of_case(case: str) -> Problem:
    """The pools of a case; any gain is worth it."""
    east, west, sections = CASES[case]
    return two_pools(east, west, policy=crossing_policy(limits={"minimum_gain_pcpu_hours": 0}, **sections))


@pytest.mark.parametrize("case", CASES)
def test_model_accepts_what_the_checker_accepts_on_some_srs(case: str) -> None:
    """Hosts of both pools are in the model if and only if the checker accepts them with some choice of SRs."""
    problem = problem_of_case(case)
    assert accepted_by_model(problem) == {hosts_of(goal) for goal in accepted(problem)}


@pytest.mark.parametrize("case", CASES)
def test_the_srs_that_are_chosen_are_accepted(case: str) -> None:
    """For whatever hosts the model accepts, the placement with its disks is one that the checker accepts."""
    assert_chosen_srs_are_accepted(problem_of_case(case))


def test_cases_differ_in_what_they_allow() -> None:
    """Space, networks, maps, HA and groups leave as many placements as counted by hand."""
    assert {case: len({hosts_of(goal) for goal in accepted(problem_of_case(case))}) for case in CASES} == {
        "room for all": 8,
        "two hosts on one side": 27,
        "room for one": 6,
        "no network there": 2,
        "one VM's disks by the map": 4,
        "a map to the SR of each host": 24,
        "a map to an SR without room": 6,
        "HA over there": 1,
        "HA where a VM is protected": 4,
        "together": 4,
        "apart over both": 4,
    }


@pytest.mark.parametrize("seed", range(12))
def test_best_placement_over_both_pools_equals_brute_force(seed: int) -> None:
    """Overload and GiB of memory and disks, over all hosts and SRs that the checker accepts; proven."""
    problem = random_problem(seed)
    objectives = BALANCING
    most = problem.policy.limits.maximum_gib or float("inf")
    goals = list(accepted(problem))
    cost = next(each for each in objectives if each.id == "balance")
    found = [goal for goal in goals if _gib(problem, goal) <= most]
    best = min(tuple(round(each.value(goal, Rulebook.of(problem)), 9) for each in objectives) for goal in found)
    solution = solve(Rulebook.of(problem))
    assert cost.id in {tier.objective for tier in solution.tiers}
    assert [tier.after for tier in solution.tiers] == pytest.approx(best, abs=1e-9)
    assert all(tier.proved and tier.bound <= tier.after for tier in solution.tiers)
    assert solution.placement in goals


def _gib(problem: Problem, goal: Any) -> float:  # noqa: ANN401 - a placement
    """GiB copied on the way to *goal*: memory, and disks of 20 GiB."""
    return sum(2 + 20 * len(move.disks) for move in problem.initial.moves_to(goal))


def test_random_pools_make_vms_go_over() -> None:
    """In a third of them at least the best placement has VMs in another pool than tonight."""
    problems = [random_problem(seed) for seed in range(12)]
    moves = [problem.initial.moves_to(solve(Rulebook.of(problem)).placement) for problem in problems]
    assert sum(any(move.source[0] != move.target[0] for move in each) for each in moves) >= 4


def test_a_pool_can_be_emptied_into_another() -> None:
    """Evacuating all of its hosts, VMs leave for the other pool with their disks."""
    wanted = crossing_policy(mode="evacuate", empty=["e1", "e2"])
    problem = two_pools(one_pool("e", A, pool_vm("b", on="e2")), one_pool("w"), policy=wanted)
    assert {host[0] for host in solve(Rulebook.of(problem)).placement.host_of.values()} == {"w"}


def test_both_coordinators_stay_awake() -> None:
    """Consolidating, the coordinator of each pool counts as in use, VMs or not."""
    wanted = crossing_policy(mode="consolidate", limits={"minimum_gain_pcpu_hours": 0})
    east, west = one_pool("e", pool_vm("a", on="e2")), one_pool("w")
    pool = join_pools(east, west)
    problem = make_problem(pool, make_demand(pool, {}), wanted)
    solution = solve(Rulebook.of(problem))
    assert HostsInUse().value(solution.placement, Rulebook.of(problem)) == 2
    assert solution.placement["a"] == "e1"
