"""The manual's word: at most one snapshot goes along."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin

MOST = 1


class OneSnapshot(DiskRule):
    """XAPI below 1.9.70 refused more; later ones copy every snapshot in full."""

    id = "one-snapshot"
    sentence = "A VM that takes disks along has at most one snapshot."
    source = "XenServer 6.2 administrator's guide, 6.1: VMs with more than one snapshot cannot be migrated"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """Two snapshots."""
        if len(vm.snapshots) <= MOST:
            return None
        return self.objection(f"has {len(vm.snapshots)} snapshots", remedy="delete all but one of its snapshots")
