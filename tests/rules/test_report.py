"""What people are told of a pool: who may move, what holds the others; and how long the answer takes."""

from __future__ import annotations

import random

import pytest

from rebalancer.problem import Problem
from rebalancer.rules import Legality, rules_for
from rebalancer.rules.report import explain, legality_report
from rebalancer.units import GIB
from tests.pools import make_host, make_network, make_sr, make_vdi, make_vm, problem_of


def legality_of(problem: Problem) -> Legality:
    """All rules that bind."""
    return Legality(problem, rules_for(problem))


def test_explanation_is_in_the_order_of_xapi() -> None:
    """What the target holds already stands where XAPI asks for it: memory after networks, before pCPUs."""
    small = make_host("h2", memory_total_bytes=5 * GIB, networks=(), cpu_info={"vendor": "GenuineIntel"})
    problem = problem_of(hosts=(make_host("h1"), small), vms=[make_vm("web")])
    answer = explain(legality_of(problem), problem.pool.vms["web"], [problem.pool.hosts["h2"]])[0]
    assert [each.rule for each in answer.objections] == [
        "cpu-features",
        "network-on-target",
        "enough-memory",
        "enough-pcpus",
        "memory-safety",
    ]


def test_vm_that_stays_is_not_judged() -> None:
    """Its own host is no target."""
    problem = problem_of(vms=[make_vm("web", blocked_operations={"pool_migrate": ""})])
    answer = explain(legality_of(problem), problem.pool.vms["web"], [problem.pool.hosts["h1"]])[0]
    assert (answer.stays, answer.objections) == (True, ())


def test_summary_counts_who_may_move() -> None:
    """One may go somewhere, one is held, and the summary says by what and how to free it."""
    held = make_vm("held", blocked_operations={"pool_migrate": "ask Ann"})
    report = legality_report(legality_of(problem_of(vms=[make_vm("web"), held])))
    assert (report.guests, report.movable) == (2, 1)
    assert [(each.rule, each.vms) for each in report.held] == [("op-not-blocked", ("held",))]


@pytest.fixture(scope="module")
def large() -> Problem:
    """64 hosts with 3000 VMs on 8 shared and 64 local SRs and 6 networks."""
    chance = random.Random(1)
    shared, networks = [f"sr{number}" for number in range(8)], [f"net{number}" for number in range(6)]
    names = [f"h{number}" for number in range(64)]
    where = {f"v{number}": chance.choice(names) for number in range(3000)}
    return problem_of(
        hosts=[
            make_host(name, memory_total_bytes=256 * GIB, srs=[*shared, f"local-{name}"], networks=networks)
            for name in names
        ],
        srs=[make_sr(name) for name in (*shared, *(f"local-{host}" for host in names))],
        networks=[make_network(name) for name in networks],
        vms=[make_vm(vm, on=host, networks=[chance.choice(networks)]) for vm, host in where.items()],
        vdis=[make_vdi(f"{vm}-disk0", chance.choice([*shared, f"local-{host}"])) for vm, host in where.items()],
    )


def test_targets_of_a_large_pool_agree_with_its_objections(large: Problem) -> None:
    """192,000 pairs, each with all its objections, and the targets of every VM."""
    legality = legality_of(large)
    hosts = large.pool.hosts.values()
    open_pairs = sum(not legality.objections(vm, host) for vm in large.pool.resident_guests() for host in hosts)
    targets = sum(len(legality.targets(vm)) for vm in large.pool.resident_guests())
    assert open_pairs == targets + 3000


def test_a_large_pool_is_summed_up(large: Problem) -> None:
    """With what every target holds already."""
    report = legality_report(legality_of(large))
    assert report.guests == 3000
