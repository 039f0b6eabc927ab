"""Every disk has a place to go to, or to stay."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import own_disks


class DisksMapped(DiskRule):
    """CDs and empty drives are not mapped; what the map holds beyond the VM's disks is ignored."""

    id = "disks-mapped"
    sentence = "The map of disks names an SR for every disk of the VM, whether it moves or not."
    source = "xapi_vm_migrate.ml: vdi_filter, check_vdi_map"
    origin = Origin.XAPI
    code = "VDI_NOT_IN_MAP"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk without an SR, or of which nothing is known."""
        missing = [disk for disk in own_disks(vm, problem) if disk is None or disk.uuid not in disks]
        if not missing:
            return None
        first = missing[0]
        return self.objection(f"its disk '{first.name if first else 'unknown'}' has no SR to go to")
