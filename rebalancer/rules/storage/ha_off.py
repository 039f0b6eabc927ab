"""The manual's word: HA is off while disks move."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.base import Objection, Origin
from rebalancer.rules.storage.base import DiskRule, DiskTargets


class HAOff(DiskRule):
    """XAPI moves them all the same, and does not even ask whether the failover plan survives."""

    id = "ha-off"
    sentence = "High availability is off while a VM takes disks along."
    source = "XenServer 6.2 administrator's guide, 6.1: disable HA before Storage XenMotion"
    origin = Origin.MANUAL
    code = None

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """HA on."""
        return (
            self.objection("HA is on", remedy="disable HA while disks move")
            if problem.pool.of_vm(vm).ha.enabled
            else None
        )
