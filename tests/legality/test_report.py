"""What people are told of a pool: who may move, what holds the others; and how long the answer takes."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from rebalancer.legality.matrix import legality_matrix
from rebalancer.legality.report import explain, legality_report, near_first
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.units import GIB
from tests.local_disks import full_disk, local_problem, local_sr, local_vm, with_disks
from tests.pools import (
    make_cd,
    make_disk,
    make_host,
    make_network,
    make_sr,
    make_vdi,
    make_vm,
    policy_of,
    problem_of,
)
from tests.two_pools import one_pool, pool_vm, two_pools


def test_explanation_is_in_the_order_of_xapi() -> None:
    """What the target holds already stands where XAPI asks for it: memory after networks, before pCPUs."""
    small = make_host("h2", memory_total_bytes=5 * GIB, networks=(), cpu_info={"vendor": "GenuineIntel"})
    problem = problem_of(hosts=(make_host("h1"), small), vms=[make_vm("web")])
    answer = explain(Rulebook.of(problem), problem.pool.vms["web"], [problem.pool.hosts["h2"]])[0]
    assert [each.rule for each in answer.objections] == [
        "cpu-features",
        "network-on-target",
        "enough-memory",
        "enough-pcpus",
        "memory-safety",
        "host-held",
    ]


def test_vm_that_stays_is_not_judged() -> None:
    """Its own host is no target."""
    problem = problem_of(vms=[make_vm("web", blocked_operations={"pool_migrate": ""})])
    answer = explain(Rulebook.of(problem), problem.pool.vms["web"], [problem.pool.hosts["h1"]])[0]
    assert (answer.stays, answer.objections) == (True, ())


def test_summary_counts_who_may_move() -> None:
    """One may go somewhere, one is held, and the summary says by what and how to free it."""
    held = make_vm("held", blocked_operations={"pool_migrate": "ask Ann"})
    report = legality_report(Rulebook.of(problem_of(vms=[make_vm("web"), held])))
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


def test_a_fix_is_said_once_for_all_whom_it_frees() -> None:
    """Four of them by name, more are counted, and VMs with another fix have their own."""
    blocked = {"pool_migrate": "ask Ann"}
    for number, names in ((4, "v0, v1, v2, v3"), (6, "v0, v1, v2, v3 and 2 more")):
        vms = [make_vm(f"v{each}", blocked_operations=blocked) for each in reversed(range(number))]
        problem = problem_of(vms=vms)
        (held,) = legality_report(Rulebook.of(problem)).held
        assert held.remedies == (f"remove pool_migrate from the VM's blocked_operations ({names})",)


def test_targets_of_a_large_pool_agree_with_its_objections(large: Problem) -> None:
    """192,000 pairs, each with all its objections, and the targets of every VM."""
    legality = Rulebook.of(large).live
    hosts = large.pool.hosts.values()
    open_pairs = sum(not legality.objections(vm, host) for vm in large.pool.resident_guests() for host in hosts)
    targets = sum(len(legality.targets(vm)) for vm in large.pool.resident_guests())
    assert open_pairs == targets + 3000


def test_a_large_pool_is_summed_up(large: Problem) -> None:
    """With what every target holds already."""
    report = legality_report(Rulebook.of(large))
    assert report.guests == 3000


def test_way_with_disks_is_told_with_srs_and_ejected_cds() -> None:
    """A VM on a local SR may move with its disk; a CD that the target does not see is ejected."""
    vm = local_vm("web", vbds=(make_disk("web"), make_cd("web", "tools")))
    problem = local_problem(vm, srs=[local_sr("iso", type="iso")], vdis=[full_disk("tools", "iso")])
    (answer,) = explain(Rulebook.of(problem), vm, [problem.pool.hosts["h2"]])
    (disk,) = answer.disks
    assert (disk.name, disk.target_name, disk.size_bytes) == ("web-disk0", "l2", 20 * GIB)
    assert (answer.objections, answer.ejects, answer.as_json()["may_move"]) == ((), ("xvdd",), True)
    report = legality_report(Rulebook.of(problem))
    assert (report.movable, report.held) == (1, ())
    assert legality_matrix(Rulebook.of(problem)).cells == (("=", "+"),)


def test_what_speaks_against_disks_follows_what_speaks_against_xenmotion() -> None:
    """First XAPI's answer to XenMotion, then what keeps the disks: on principle, or an SR that is full tonight."""
    full = local_sr("l2", physical_size_bytes=60 * GIB, physical_utilisation_bytes=30 * GIB)
    other = make_vm("other", on="h2", vbds=(make_disk("other", vdi="other-disk0"),))
    away = [full_disk("other-disk0", "l2", gib=30)]
    policy = with_disks(srs=["l2"])
    problem = local_problem(local_vm("web"), vms=[local_vm("web"), other], srs=[full], vdis=away, policy=policy)
    (answer,) = explain(Rulebook.of(problem), problem.pool.vms["web"], [problem.pool.hosts["h2"]])
    assert [each.rule for each in answer.objections] == ["shared-sr-visible", "sr-space"]
    assert answer.objections[1].words == "space of SR 'l2' for disks: 70.0 GiB (limit 60.0 GiB)"
    held = local_problem(local_vm("web", blocked_operations={"migrate_send": "no"}))
    (answer,) = explain(Rulebook.of(held), held.pool.vms["web"], [held.pool.hosts["h2"]])
    assert [each.rule for each in answer.objections] == ["shared-sr-visible", "op-not-blocked"]


def test_without_the_policy_nothing_is_said_of_disks() -> None:
    """XAPI's answer to XenMotion, alone."""
    problem = local_problem(local_vm("web"), policy=policy_of())
    (answer,) = explain(Rulebook.of(problem), problem.pool.vms["web"], [problem.pool.hosts["h2"]])
    assert ([each.rule for each in answer.objections], answer.disks) == (["shared-sr-visible"], ())


def test_a_vm_that_only_its_disks_hold_is_told_what_lets_it_go() -> None:
    """The line of the policy, for one VM with what would be copied; shut down where the disk may not go at all."""
    for on_boot, one, all_of_them in (
        ("persist", "set storage_motion.enabled, to copy 22.0 GiB", ("set storage_motion.enabled (web)",)),
        ("reset", "", ("shut it down meanwhile (web)",)),
    ):
        disks = [full_disk("web-disk0", "l1", on_boot=on_boot)]
        problem = local_problem(local_vm("web"), vdis=disks, policy=policy_of())
        (answer,) = explain(Rulebook.of(problem), problem.pool.vms["web"], [problem.pool.hosts["h2"]])
        assert [each.remedy for each in answer.objections] == [one]
        (held,) = legality_report(Rulebook.of(problem)).held
        assert held.remedies == all_of_them


def test_of_two_pools_the_own_one_is_named_first() -> None:
    """What holds a VM is told of the hosts of its pool, whichever pool was named first; hosts stand pool by pool."""
    held = replace(pool_vm("a", on="w1"), blocked_operations={"pool_migrate": "no"}, vbds=(), vifs=())
    problem = two_pools(one_pool("e"), one_pool("w", held))
    report = legality_report(Rulebook.of(problem))
    assert [each.rule for each in report.held] == ["op-not-blocked"]
    assert [(each.pool, each.host) for each in report.hosts] == [
        ("east", "e1"),
        ("east", "e2"),
        ("west", "w1"),
        ("west", "w2"),
    ]
    assert [host.uuid for host in near_first(held, problem)] == ["w1", "w2", "e1", "e2"]
    assert {each.pool for each in legality_report(Rulebook.of(problem_of())).hosts} == {""}
