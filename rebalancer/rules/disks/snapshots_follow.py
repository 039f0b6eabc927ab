"""The disks of snapshots go where the VM's own disks go."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.placement import disks_of
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin


class SnapshotsFollow(DiskRule):
    """XAPI sends a snapshot's disk after the disk that it was taken of, else to the pool's default SR, seen or not."""

    id = "snapshots-follow"
    sentence = "Every disk of the VM's snapshots was taken of a disk that the VM still has."
    source = "xapi_vm_migrate.ml: migrate_send, snapshots_map"
    origin = Origin.XAPI

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk that only a snapshot has, or a snapshot that the database does not have."""
        for uuid in vm.snapshots:
            snapshot = problem.pool.vms.get(uuid)
            if snapshot is None:
                return self.objection("has a snapshot of which nothing is known")
            for _, disk in disks_of(snapshot, problem.pool):
                if disk.snapshot_of not in disks:
                    words = f"its snapshot '{snapshot.name}' has the disk '{disk.name}', which the VM no longer has"
                    return self.objection(words, remedy="delete the snapshot")
        return None
