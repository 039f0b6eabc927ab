"""VMs on a host and vCPUs for each pCPU, by hand: just legal, just illegal, staying, hard and soft."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.objectives import Repair
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from tests.pools import make_host, make_metrics, make_pool, make_vm, policy_of, problem_of
from tests.solve.tiny import accepted_by_checker

WHERE = {"a": "h1", "b": "h1", "c": "h1", "d": "h2"}


def problem_with(limits: dict[str, Any], **vcpus: int) -> Problem:
    """a, b and c on h1, d on h2, nobody on h3; each of 16 pCPUs."""
    hosts = [make_host(name) for name in ("h1", "h2", "h3")]
    vms = [make_vm(name, on=host, gib=1.0, vcpus_max=vcpus.get(name, 2)) for name, host in WHERE.items()]
    return problem_of(make_pool(hosts=hosts, vms=vms), policy=policy_of(limits=limits))


def ends(problem: Problem, **goal: str) -> list[str]:
    """The rules that an end breaks which may not."""
    found = Rulebook.of(problem).violations(Placement(WHERE | goal), since=problem.initial)
    return [each.rule for each in found]


def tonight(problem: Problem) -> list[tuple[str, str, int]]:
    """What is broken before anything moves."""
    return [(each.rule, each.words, each.excess) for each in Rulebook.of(problem).violations(problem.initial)]


@pytest.mark.parametrize(("at_most", "broken"), [(4, False), (3, True)])
def test_so_many_vms_run_on_one_host(at_most: int, *, broken: bool) -> None:
    """A fourth is one too many for three, and just enough for four."""
    assert ends(problem_with({"vms_per_host": {"at_most": at_most}}), d="h1") == (["vms-per-host"] if broken else [])


def test_a_host_with_more_vms_may_stay_and_swap() -> None:
    """Three of at most two: none more comes, one may come for one that leaves, and the excess counts."""
    problem = problem_with({"vms_per_host": {"at_most": 2}})
    assert tonight(problem) == [("vms-per-host", "VMs on one host: 3 (limit 2)", 1)]
    assert ends(problem) == []
    assert ends(problem, a="h3", d="h1") == []
    assert ends(problem, d="h1") == ["vms-per-host"]
    assert ends(problem, a="h2", b="h2") == ["vms-per-host"]


@pytest.mark.parametrize(("at_most", "broken"), [(1.5, False), (1.4999, True)])
def test_vcpus_of_a_host_by_its_pcpus(at_most: float, *, broken: bool) -> None:
    """8 vCPUs each: three make 24 of 16 pCPUs, 1.5 for each."""
    problem = problem_with({"vcpus_per_pcpu": {"at_most": at_most}}, a=4, b=4, c=8, d=8)
    assert ends(problem, d="h1") == (["vcpus-per-pcpu"] if broken else [])


def test_a_host_with_more_vcpus_may_stay_and_not_rise() -> None:
    """14 of at most 8: two of 4 may be replaced by one of 8, the two of 6 not by it."""
    problem = problem_with({"vcpus_per_pcpu": {"at_most": 0.5}}, a=4, b=4, c=6, d=8)
    words = "vCPUs on one host, with 0.5 for each pCPU: 14 (limit 8)"
    assert tonight(problem) == [("vcpus-per-pcpu", words, 6)]
    assert ends(problem, a="h3", b="h3", d="h1") == []
    assert ends(problem, c="h3", d="h1") == ["vcpus-per-pcpu"]


def test_vcpus_that_a_vm_runs_with_count_where_they_are_more() -> None:
    """The record says 2, its metrics 12: somebody lowered VCPUs_max while it runs."""
    problem = problem_with({"vcpus_per_pcpu": {"at_most": 1.0}})
    grown = replace(problem.pool.vms["d"], metrics=make_metrics(vcpus_number=12))
    pool = replace(problem.pool, vms={**problem.pool.vms, "d": grown})
    assert ends(problem, d="h1") == []
    assert ends(problem_of(pool, policy=problem.policy), d="h1") == ["vcpus-per-pcpu"]


def test_a_host_that_does_not_say_how_many_pcpus_it_has_takes_no_more() -> None:
    """What is there stays, and is not broken."""
    problem = problem_with({"vcpus_per_pcpu": {"at_most": 9.0}})
    silent = replace(problem.pool.hosts["h2"], cpu_info={})
    pool = replace(problem.pool, hosts={**problem.pool.hosts, "h2": silent})
    unknown = problem_of(pool, policy=problem.policy)
    assert tonight(unknown) == []
    assert ends(unknown, a="h2") == ["vcpus-per-pcpu"]
    assert ends(unknown, a="h2", d="h3") == []


@pytest.mark.parametrize(
    ("limits", "excess"),
    [
        ({"vms_per_host": {"at_most": 1, "hard": False}}, 2),
        ({"vcpus_per_pcpu": {"at_most": 0.125, "hard": False}}, 4),
    ],
)
def test_a_soft_one_forbids_nothing_and_counts(limits: dict[str, Any], excess: int) -> None:
    """Every placement is accepted; VMs and vCPUs too many count as breaches, like those of soft groups."""
    problem = problem_with(limits)
    assert len(accepted_by_checker(problem)) == 3**4
    assert [(words.count("(soft)"), each) for _, words, each in tonight(problem)] == [(1, excess)]
    spread = Placement(WHERE | {"b": "h3"})
    before, after = (Repair().value(each, Rulebook.of(problem)) for each in (problem.initial, spread))
    assert (before, after) == (excess, excess / 2)
