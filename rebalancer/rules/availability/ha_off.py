"""The manual's word: HA is off while disks move."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin


class HAOff(DiskRule):
    """XAPI moves them all the same, and does not even ask whether the failover plan survives.

    On the way to another pool, that pool counts, too.
    """

    id = "ha-off"
    sentence = "High availability is off while a VM takes disks along."
    source = "XenServer 6.2 administrator's guide, 6.1: disable HA before Storage XenMotion"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """HA on, where the VM is or where it goes."""
        pools = (problem.pool.of_vm(vm), problem.pool.of_host(host.uuid))
        found = next((pool for pool in pools if pool.ha.enabled), None)
        if found is None:
            return None
        where = f" in pool {found.called}" if len(problem.pool.members) > 1 else ""
        return self.objection(f"HA is on{where}", remedy="disable HA while disks move")
