"""A plan whose VM goes to another pool, and the pools once it has."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.inventory import Pool, join_pools
from rebalancer.placement import DiskMove, Migration
from rebalancer.problem import Problem
from tests.local_disks import full_disk
from tests.plan.made import plan_of
from tests.pools import make_disk, make_vif
from tests.two_pools import crossing_policy, one_pool, pool_host, pool_vm, two_pools


def over(vm: str, *, source: str = "e1", target: str = "w1", sr: str = "shared") -> Migration:
    """The move of *vm* with its one disk to a host of the other pool."""
    disk = DiskMove(drive=f"{vm}-xvd0", source=f"{source[0]}-shared", target=f"{target[0]}-{sr}")
    return Migration(vm=vm, source=source, target=target, disks=(disk,))


def inside(vm: str, source: str, target: str) -> Migration:
    """XenMotion."""
    return Migration(vm=vm, source=source, target=target)


EAST = one_pool("e", pool_vm("a", on="e1"), pool_vm("b", on="e1"))
WEST = one_pool("w", pool_vm("c", on="w1"))
PROBLEM = two_pools(EAST, WEST)
PLAN = plan_of(
    PROBLEM, PROBLEM.initial.after(over("a"), inside("b", "e1", "e2"), inside("c", "w1", "w2")), tiers=("repair",)
)


def after_crossing() -> Pool:
    """Both pools once the VM has gone over: its own uuid, all others anew."""
    gone = {uuid: vm for uuid, vm in EAST.vms.items() if uuid != "a"}
    disk = replace(make_disk("a"), uuid="new-drive", vdi="new-disk")
    come = pool_vm("a", on="w1", vbds=(disk,), vifs=(replace(make_vif("a", "w-lan"), uuid="new-vif"),))
    copy = replace(full_disk("new-disk", "w-shared"), name="a-disk0")
    west = replace(WEST, vms={**WEST.vms, "a": come}, vdis={**WEST.vdis, "new-disk": copy})
    return join_pools(replace(EAST, vms=gone, vdis={k: v for k, v in EAST.vdis.items() if k != "a-disk0"}), west)


(OVER,) = [step for step in PLAN.steps if step.crossing]


def two_ways() -> tuple[Problem, Problem]:
    """The same pools, the interface led to one network and to another."""
    lans = ("w-lan", "w-two")
    second = replace(WEST.networks["w-lan"], uuid="w-two", name="two")
    west = one_pool("w", pool_vm("c", on="w1"), hosts=[pool_host("w1", networks=lans)], networks=[second])
    return two_pools(EAST, west), two_pools(EAST, west, policy=crossing_policy(networks={"lan": "two"}))
