"""Emptying hosts whose VMs have disks on local SRs: away with the disks, and home with them."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.inventory import Pool
from rebalancer.plan import verify_plan
from rebalancer.plan.elsewhere import pool_at
from rebalancer.policy import Policy
from rebalancer.whatif.evacuate import evacuate
from tests.local_disks import local_problem, local_vm
from tests.plan.made import LATER, MADE_AT
from tests.pools import policy_of

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
    there = after(pool_at(problem.pool, problem.initial.after(*(step.move for step in found.plan.steps))))
    assert verify_plan(found.home, there, now=LATER) == ()
    assert {(step.vm, disk.target) for step in found.home.steps for disk in step.disks} == {("a", "l1"), ("b", "l1")}


def test_without_the_policy_they_cannot_leave() -> None:
    """Both are blocked by the SR that no other host sees."""
    off: Policy = policy_of(limits={"solve_seconds": 5})
    problem = local_problem(local_vm("a"), local_vm("b"), count=3, policy=off)
    found = evacuate(problem, {"h1"}, made_at=MADE_AT)
    assert ([each.rule for each in found.blocked], found.plan) == (["shared-sr-visible"] * 2, None)
