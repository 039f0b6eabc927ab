"""XAPI's word up to XenServer 6.5: no snapshot with memory goes along."""

from __future__ import annotations

from rebalancer.inventory import VM, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.core.versions import SNAPSHOTS_FOLLOW


class SnapshotWithoutMemory(VMRule):
    """A checkpoint is a snapshot that is suspended; one that is not in the database counts as one."""

    id = "snapshot-without-memory"
    sentence = "No snapshot of a VM that takes disks along holds its memory, too."
    source = "xapi_vm_migrate.ml of 2013: assert_can_migrate; relaxed by 105b420883"
    origin = Origin.XAPI
    code = "VM_HAS_CHECKPOINT"
    until = SNAPSHOTS_FOLLOW

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A checkpoint, or a snapshot of which nothing is known."""
        known = (problem.pool.vms.get(uuid) for uuid in vm.snapshots)
        if all(each is not None and each.power_state is not PowerState.SUSPENDED for each in known):
            return None
        return self.objection("has a snapshot that holds its memory, too", remedy="delete that snapshot")
