"""A disk that goes along belongs to its VM alone."""

from __future__ import annotations

from functools import lru_cache

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.placement import disks_of
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin
from rebalancer.rules.facts.disk_maps import DiskRule, DiskTargets, moving


class DiskOfOneVM(DiskRule):
    """XAPI does not ask: a VM left behind would keep a disk that is deleted, or run on another copy of it."""

    id = "disk-of-one-vm"
    sentence = "No disk that changes its SR is in a drive of another VM, too."
    source = "xapi_vm_migrate.ml: intra_pool_vdi_remap changes the drives of the VM and its snapshots only"
    origin = Origin.XAPI
    code = None

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk in somebody else's drive."""
        users = _users(problem)
        for disk, _ in moving(disks, problem):
            others = sorted(users[disk.uuid] - {vm.uuid})
            if others:
                name = problem.pool.vms[others[0]].name
                return self.objection(f"its disk '{disk.name}' is in a drive of VM '{name}', too")
        return None


@lru_cache(maxsize=4)
def _users(problem: Problem) -> dict[Uuid, set[Uuid]]:
    """The VMs that have each disk in a drive."""
    found: dict[Uuid, set[Uuid]] = {disk: set() for disk in problem.pool.vdis}
    for vm in problem.pool.vms.values():
        for _, disk in disks_of(vm, problem.pool):
            found[disk.uuid].add(vm.uuid)
    return found
