"""Emptying hosts whose VMs have disks on local SRs: away with the disks, and home with them."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.inventory import Pool
from rebalancer.placement import Placement, current_placement_with_disks
from rebalancer.policy import Policy
from rebalancer.problem import Problem, pool_at
from rebalancer.units import GIB
from rebalancer.verify.verify import verify_plan
from rebalancer.whatif import Purpose, Rolling, rolling
from rebalancer.whatif.evacuate import evacuate
from rebalancer.whatif.rolling_bound import least_copied
from tests.local_disks import local_host, local_problem, local_vm, two_disks
from tests.plan.made import LATER, MADE_AT
from tests.pools import make_host, policy_of, problem_of

WITH_DISKS = policy_of(storage_motion={"enabled": True}, limits={"solve_seconds": 5})


def after(pool: Pool) -> Pool:
    """*pool* with every disk a copy that has a uuid of its own, in the same drive, as XAPI leaves it."""
    copies = {vdi: replace(disk, uuid=f"copy-of-{vdi}") for vdi, disk in pool.vdis.items()}
    vms = {
        uuid: replace(vm, vbds=tuple(replace(each, vdi=each.vdi and f"copy-of-{each.vdi}") for each in vm.vbds))
        for uuid, vm in pool.vms.items()
    }
    return replace(pool, vms=vms, vdis={copy.uuid: copy for copy in copies.values()})


def test_disks_leave_with_their_vms_and_come_home() -> None:
    """The way home is legal in the pool as XAPI leaves it, where every copy has a uuid that no plan knows."""
    problem = local_problem(local_vm("a"), local_vm("b"), local_vm("c", on=2), count=3, policy=WITH_DISKS)
    found = evacuate(problem, {"h1"}, made_at=MADE_AT)
    assert found.plan is not None
    assert found.home is not None
    assert (found.blocked, {step.vm for step in found.plan.steps if step.disks}) == ((), {"a", "b"})
    there = after(pool_at(problem.pool, problem.initial.after(*(step.migration for step in found.plan.steps))))
    assert verify_plan(found.home, there, now=LATER) == ()
    assert {(step.vm, disk.target) for step in found.home.steps for disk in step.disks} == {("a", "l1"), ("b", "l1")}


def test_without_the_policy_they_cannot_leave() -> None:
    """Both are blocked by the SR that no other host sees."""
    off: Policy = policy_of(limits={"solve_seconds": 5})
    problem = local_problem(local_vm("a"), local_vm("b"), count=3, policy=off)
    found = evacuate(problem, {"h1"}, made_at=MADE_AT)
    assert ([each.rule for each in found.blocked], found.plan) == (["shared-sr-visible"] * 2, None)


def rolled(problem: Problem, *, come_home: bool = True) -> Rolling:
    """All hosts in turn."""
    return rolling(problem, (), version=None, come_home=come_home, made_at=MADE_AT)


def played(found: Rolling, pool: Pool) -> Placement:
    """Where VMs and disks end once all stages are carried out, each proven on the pool as XAPI leaves it."""
    for stage in found.stages:
        opened = replace(pool.hosts[stage.host], enabled=stage.purpose is Purpose.RETURN)
        pool = replace(pool, hosts={**pool.hosts, stage.host: opened})
        assert verify_plan(stage.plan, pool, now=LATER) == ()
        end = current_placement_with_disks(pool).after(*(step.migration for step in stage.plan.steps))
        pool = after(pool_at(pool, end))
        pool = replace(pool, hosts={**pool.hosts, stage.host: replace(opened, enabled=True)})
    return current_placement_with_disks(pool)


def test_all_hosts_in_turn_bring_disks_home() -> None:
    """Every VM leaves with its disk and comes home with it; that is the least that can be copied, and the bound."""
    problem = local_problem(local_vm("a"), local_vm("b", on=2), local_vm("c", on=3), count=3, policy=WITH_DISKS)
    found = rolled(problem)
    assert found.deviations == ()
    assert played(found, problem.pool) == problem.initial
    assert found.copied_bytes == found.bound_bytes == 2 * 3 * (2 + 20) * GIB


def test_who_stays_away_copies_disks_once() -> None:
    """The bound without return counts the disks that have to leave, too; nothing beats it."""
    problem = local_problem(local_vm("a"), local_vm("b", on=2), count=3, policy=WITH_DISKS)
    found = rolled(problem, come_home=False)
    assert 2 * (2 + 20) * GIB <= found.bound_bytes <= found.copied_bytes


def test_disks_that_do_not_come_home_are_told_up_front() -> None:
    """Nothing may be copied to the SR that a disk left: its VM comes home without it, and the disk is named."""
    policy = policy_of(storage_motion={"enabled": True, "never": ["l1"]}, limits={"solve_seconds": 5})
    problem = local_problem(local_vm("a"), local_vm("b", on=2), count=3, policy=policy)
    found = rolled(problem)
    (told,) = found.deviations
    assert (told.vm, told.ends_on_name) == ("a", "h1")
    assert told.words == "at home with a disk on SR shared, not on l1: disks move only with their VM"
    ends = played(found, problem.pool)
    assert (ends.host_of, ends.srs_of["a"]) == (problem.initial.host_of, {"a-xvd0": "shared"})
    assert found.bound_bytes == (2 * 2 + 20) * GIB + 2 * (2 + 20) * GIB <= found.copied_bytes


def test_a_vm_that_cannot_come_home_is_told_with_the_rule() -> None:
    """Its home host sees no SR to which its disk may go back: it stays, and the rule about its disk says why."""
    policy = policy_of(storage_motion={"enabled": True, "never": ["l1"]}, limits={"solve_seconds": 5})
    pool = local_problem(local_vm("a"), count=3, policy=policy).pool
    alone = replace(pool, hosts={**pool.hosts, "h1": make_host("h1", srs=["l1"])})
    (told,) = rolled(problem_of(alone, policy=policy)).deviations
    assert (told.vm, told.home_name) == ("a", "h1")
    assert told.words.endswith("[sr-allowed]")


def test_a_host_that_sees_a_disk_takes_its_vm_without_it() -> None:
    """What has to be copied to leave is what the host that sees most of the disks does not see."""
    alone = local_problem(local_vm("a", vbds=two_disks("a")), vdis=[], count=3, policy=WITH_DISKS)
    memory = alone.pool.vms["a"].migration_memory_bytes
    assert least_copied("a", alone) == memory + 20 * GIB
    beside = replace(alone.pool, hosts={**alone.pool.hosts, "h3": local_host(3, "l1")})
    assert least_copied("a", replace(alone, pool=beside)) == memory
