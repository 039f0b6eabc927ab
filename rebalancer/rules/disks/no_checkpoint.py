"""No snapshot of the VM holds its memory."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NoCheckpoint(VMRule):
    """XAPI sends the memory of a checkpoint to an SR that it chooses itself, and nobody could hold room there."""

    id = "no-checkpoint"
    sentence = "No snapshot of the VM holds its memory, for which XAPI would choose an SR by itself."
    source = "xapi_vm_migrate.ml: migrate_send, suspend_sr of the other pool"
    origin = Origin.POLICY

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A snapshot with memory."""
        snapshots = (problem.pool.vms.get(uuid) for uuid in vm.snapshots)
        found = next((each for each in snapshots if each and each.suspend_vdi is not None), None)
        if found is None:
            return None
        return self.objection(f"its snapshot '{found.name}' holds memory", remedy="delete the snapshot")
