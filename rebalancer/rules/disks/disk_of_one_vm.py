"""A disk that goes along belongs to its VM alone."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import moving


class DiskOfOneVM(DiskRule):
    """XAPI does not ask: a VM left behind would keep a disk that is deleted, or run on another copy of it."""

    id = "disk-of-one-vm"
    sentence = "No disk that changes its SR is in a drive of another VM, too."
    source = "xapi_vm_migrate.ml: intra_pool_vdi_remap changes the drives of the VM and its snapshots only"
    origin = Origin.XAPI

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk in somebody else's drive."""
        for disk, _ in moving(disks, problem):
            others = sorted(problem.index.vms_of_disk.get(disk.uuid, frozenset()) - {vm.uuid})
            if others:
                name = problem.pool.vms[others[0]].name
                return self.objection(f"its disk '{disk.name}' is in a drive of VM '{name}', too")
        return None
