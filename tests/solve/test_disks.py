"""VMs that go somewhere with their disks: the solver accepts what the checker accepts, and finds the best of it."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from rebalancer.errors import Infeasible
from rebalancer.inventory import SR, VDI
from rebalancer.objectives import MigrationCost
from rebalancer.policy import Policy
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.search.components import components
from rebalancer.units import GIB
from tests.local_disks import full_disk, local_host, local_problem, local_sr, local_vm, two_disks
from tests.pools import CPU_INFO, policy_of
from tests.solve.carried import accepted, assert_chosen_srs_are_accepted, hosts_of
from tests.solve.tiny import BALANCING, accepted_by_model, make_demand


def of_size(name: str, gib: float, *, used: float = 0, **changes: Any) -> SR:  # noqa: ANN401 - fields of SR
    """A local SR of *gib*, of which *used* are taken."""
    sizes = {"physical_size_bytes": int(gib * GIB), "physical_utilisation_bytes": int(used * GIB)}
    return local_sr(name, **sizes | changes)


def policy(*, never: tuple[str, ...] = ("shared",), **sections: Any) -> Policy:  # noqa: ANN401 - sections of a policy
    """Storage XenMotion to all SRs but some, by default the local ones only; any gain is worth it."""
    motion = {"enabled": True, "never": never}
    return policy_of(**{"storage_motion": motion, "limits": {"minimum_gain_pcpu_hours": 0}, **sections})


def two_of_30() -> list[VDI]:
    """Two disks for a, which need 60 GiB each on arrival."""
    return [full_disk(f"a-disk{number}", "l1", gib=30) for number in range(2)]


A, B, C = local_vm("a"), local_vm("b"), local_vm("c", on=2)
PAIR = local_vm("a", vbds=two_disks("a"))
TWO_SRS = [local_host(1), local_host(2, "big")]
CASES: dict[str, dict[str, Any]] = {
    "room for all": {"vms": [A, B, C], "count": 3},
    "room for one": {"vms": [A, B, C], "srs": [of_size("l2", 75, used=20)]},
    "room once another has left": {"vms": [A, B, C], "srs": [of_size("l2", 55, used=20), of_size("l1", 65, used=40)]},
    "room only where another leaves": {"vms": [A, B, C], "srs": [of_size("l2", 59, used=20)]},
    "one combination of SRs": {
        "vms": [PAIR, B],
        "hosts": TWO_SRS,
        "srs": [of_size("l2", 60), of_size("big", 100), of_size("l1", 80, used=80)],
        "vdis": two_of_30(),
    },
    "one VM's disks on two SRs, though one could take them": {
        "vms": [PAIR, B],
        "hosts": TWO_SRS,
        "srs": [of_size("l2", 30), of_size("big", 100), of_size("l1", 60, used=60)],
        "vdis": [full_disk("a-disk0", "l1", gib=30), full_disk("a-disk1", "l1", gib=10)],
    },
    "a shared SR that fills": {
        "vms": [A, B, C],
        "count": 3,
        "srs": [of_size("shared", 85, shared=True)],
        "policy": policy(never=("l1", "l2", "l3")),
    },
    "one disk of two goes along": {
        "vms": [PAIR, C],
        "count": 3,
        "vdis": [full_disk("a-disk1", "shared")],
        "srs": [of_size("l3", 45)],
    },
    "held by a rule about disks": {"vms": [A, B], "vdis": [full_disk("a-disk0", "l1", on_boot="reset")]},
    "together": {"vms": [A, B, C], "policy": policy(together=[{"name": "t", "vms": ["a", "b"]}])},
    "off": {"vms": [A, B], "policy": policy_of()},
}


@cache
def problem_of_case(case: str) -> Problem:
    """The pool of a case."""
    parts = dict(CASES[case])
    return local_problem(*parts.pop("vms"), **{"policy": policy(), **parts})


@pytest.mark.parametrize("case", CASES)
def test_model_accepts_what_the_checker_accepts_on_some_srs(case: str) -> None:
    """Hosts are in the model if and only if the checker accepts them with some choice of SRs."""
    problem = problem_of_case(case)
    assert accepted_by_model(problem) == {hosts_of(goal) for goal in accepted(problem)}


@pytest.mark.parametrize("case", CASES)
def test_the_srs_that_are_chosen_are_accepted(case: str) -> None:
    """For whatever hosts the model accepts, the placement with its disks is one that the checker accepts."""
    assert_chosen_srs_are_accepted(problem_of_case(case))


def test_cases_differ_in_what_they_allow() -> None:
    """Space, rules and policy leave as many placements as counted by hand."""
    assert {case: len({hosts_of(goal) for goal in accepted(problem_of_case(case))}) for case in CASES} == {
        "room for all": 27,
        "room for one": 6,
        "room once another has left": 3,
        "room only where another leaves": 4,
        "one combination of SRs": 4,
        "one VM's disks on two SRs, though one could take them": 4,
        "a shared SR that fills": 19,
        "one disk of two goes along": 8,
        "held by a rule about disks": 2,
        "together": 4,
        "off": 1,
    }


def random_problem(seed: int) -> Problem:
    """Three hosts, four VMs with disks of several sizes, SRs that are nearly full, and a host that is too hot."""
    chance = random.Random(seed)
    vms = [local_vm(name, on=chance.choice([1, 1, 1, 2, 3]), vbds=two_disks(name)) for name in "abcd"]
    disks = [
        full_disk(f"{vm.uuid}-disk{number}", chance.choice([f"l{str(vm.resident_on)[1:]}", "shared"]), gib=size)
        for vm in vms
        for number, size in enumerate(chance.choices([5, 10, 20], k=2))
    ]
    used = {sr: sum(disk.virtual_size_bytes for disk in disks if disk.sr == sr) / GIB for sr in ("l1", "l2", "l3")}
    rooms = {sr: gib + chance.choice([0, 10, 30, 50, 80]) for sr, gib in used.items()}
    srs = [*(of_size(sr, rooms[sr], used=used[sr]) for sr in used), of_size("shared", 300, used=250, shared=True)]
    load = {vm.uuid: [chance.randint(2000, 9000) / 1000 for _ in range(4)] for vm in vms}
    prices = {"pcpu_hours_per_gib": chance.choice([0.001, 0.02, 0.1])}
    limits = {"minimum_gain_pcpu_hours": 0, "maximum_gib": chance.choice([None, 40.0])}
    wanted = policy(never=chance.choice([(), ("shared",)]), objective=prices, limits=limits)
    problem = local_problem(*vms, count=3, srs=srs, vdis=disks, policy=wanted)
    return replace(problem, demand=make_demand(problem.pool, load))


@pytest.mark.parametrize("seed", range(20))
def test_best_placement_with_disks_equals_brute_force(seed: int) -> None:
    """Overload and GiB of memory and disks, over all hosts and SRs that the checker accepts; proven."""
    problem = random_problem(seed)
    objectives = BALANCING
    most = problem.policy.limits.maximum_gib or float("inf")
    found = (goal for goal in accepted(problem) if MigrationCost().value(goal, Rulebook.of(problem)) <= most)
    best = min(tuple(round(each.value(goal, Rulebook.of(problem)), 9) for each in objectives) for goal in found)
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best, abs=1e-9)
    assert all(tier.proved and tier.bound <= tier.after for tier in solution.tiers)
    assert solution.placement in list(accepted(problem))


def test_random_pools_make_disks_travel() -> None:
    """In most of them the best placement moves disks, and in some only where there is room."""
    solutions = [(problem, solve(Rulebook.of(problem))) for problem in map(random_problem, range(20))]
    moves = [problem.initial.moves_to(solution.placement) for problem, solution in solutions]
    assert sum(any(move.disks for move in each) for each in moves) >= 10
    assert sum(bool(instance_of(Rulebook.of(problem)).disks.tight) for problem, _ in solutions) >= 15


def emptied(**parts: Any) -> Problem:  # noqa: ANN401 - parts of a pool
    """VMs a and b on h1, which is evacuated; disks may go to the local SR of h2."""
    wanted = policy(mode="evacuate", empty=["h1"])
    return local_problem(*parts.pop("vms", (A, B)), policy=wanted, **parts)


def test_hosts_are_emptied_with_disks() -> None:
    """VMs that only their local disks hold leave with them."""
    solution = solve(Rulebook.of(emptied()))
    assert set(solution.placement.host_of.values()) == {"h2"}
    assert solution.tiers[0].after == solution.tiers[0].bound == 2 * (2 + 20)


def test_an_sr_without_room_is_to_blame() -> None:
    """80 GiB have to fit 79: without `sr-space` there would be a placement."""
    with pytest.raises(Infeasible, match="rule sr-space excludes every placement; without it there is one"):
        solve(Rulebook.of(emptied(srs=[of_size("l2", 79)])))


def test_a_rule_about_disks_is_named() -> None:
    """The VM that cannot take its disk along is told apart from those that can."""
    with pytest.raises(Infeasible) as refused:
        solve(Rulebook.of(emptied(vdis=[full_disk("a-disk0", "l1", on_boot="reset")])))
    assert str(refused.value).count("cannot leave host") == 1
    assert "VM 'a' cannot leave host 'h1': on-boot-persist (its disk 'a-disk0' is reset at boot)" in str(refused.value)


@pytest.mark.parametrize(("gib", "parts", "moved"), [(75, 1, 1), (80, 2, 2)])
def test_an_sr_that_fills_joins_the_hosts_that_share_it(gib: int, parts: int, moved: int) -> None:
    """Hosts of two vendors share nothing but an SR: with room for one disk of two, they are solved together."""
    other = CPU_INFO | {"vendor": "AuthenticAMD"}
    hosts = [local_host(1), local_host(2), local_host(3, cpu_info=other), local_host(4, cpu_info=other)]
    wanted = policy(never=("l1", "l2", "l3", "l4"))
    srs = [of_size("shared", gib, shared=True), *map(local_sr, ("l3", "l4"))]
    b = local_vm("b", on=3, last_boot_cpu_flags={**A.last_boot_cpu_flags, "vendor": "AuthenticAMD"})
    problem = local_problem(A, b, hosts=hosts, srs=srs, policy=wanted)
    assert len(components(instance_of(Rulebook.of(problem)), ())) == parts
    most = max(sum(bool(move.disks) for move in problem.initial.moves_to(goal)) for goal in accepted(problem))
    assert most == moved
    assert accepted_by_model(problem) == {hosts_of(goal) for goal in accepted(problem)}
