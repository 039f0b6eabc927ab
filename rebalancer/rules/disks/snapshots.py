"""What the snapshots of a VM that takes disks along must be like."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, PowerState
from rebalancer.placement import disks_of
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin, Rule, VMRule
from rebalancer.rules.core.versions import SNAPSHOTS_FOLLOW
from rebalancer.rules.facts.counterparts import crosses
from rebalancer.rules.facts.disk_maps import memory_that_travels

MOST = 1


class FewSnapshots(VMRule):
    """Later ones copy every snapshot in full; the manual went on to ask for one at most, see `one-snapshot`."""

    id = "few-snapshots"
    sentence = "A VM that takes disks along has at most one snapshot, which XAPI itself checks."
    source = "xapi_vm_migrate.ml of 2013: assert_can_migrate; relaxed by 30b0bc24b6"
    origin = Origin.XAPI
    code = "VM_HAS_TOO_MANY_SNAPSHOTS"
    until = SNAPSHOTS_FOLLOW

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """More than one snapshot."""
        return _too_many(self, vm)


class OneSnapshot(DiskRule):
    """XAPI below 1.9.70 refused more; later ones copy every snapshot in full."""

    id = "one-snapshot"
    sentence = "A VM that takes disks along has at most one snapshot."
    source = "XenServer 6.2 administrator's guide, 6.1: VMs with more than one snapshot cannot be migrated"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """More than one snapshot."""
        return _too_many(self, vm)


def _too_many(rule: Rule, vm: VM) -> Objection | None:
    if len(vm.snapshots) <= MOST:
        return None
    return rule.objection(
        f"has {len(vm.snapshots)} snapshots", remedy="delete all but one of its snapshots", disruption=Disruption.POLICY
    )


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
        return self.objection(
            "has a snapshot that holds its memory, too", remedy="delete that snapshot", disruption=Disruption.POLICY
        )


class NoCheckpoint(VMRule):
    """XAPI sends the memory of a checkpoint to an SR that it chooses itself, and nobody could hold room there."""

    id = "no-checkpoint"
    sentence = "No snapshot of the VM holds its memory, for which XAPI would choose an SR by itself."
    source = "xapi_vm_migrate.ml: migrate_send, suspend_sr of the other pool"
    origin = Origin.POLICY

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A snapshot with memory."""
        found = [each.name for each in problem.pool.snapshots_of(vm) if _holds_memory(each)]
        if not found:
            return None
        words = f"its snapshot '{found[0]}' holds memory"
        return self.objection(words, remedy="delete the snapshot", disruption=Disruption.POLICY)


def _holds_memory(snapshot: VM) -> bool:
    return snapshot.power_state is PowerState.SUSPENDED or snapshot.suspend_vdi is not None


class CheckpointStays(DiskRule):
    """Inside a pool, memory on an SR that the target knows stays; for other memory XAPI chooses an SR by itself."""

    id = "checkpoint-stays"
    sentence = "The memory of every snapshot is on an SR that the target host knows, so that it stays there."
    source = "xapi_vm_migrate.ml: migrate_send', suspends_vdis; nobody could hold room for it"
    origin = Origin.POLICY

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A snapshot whose memory would travel; to another pool, `no-checkpoint` says so."""
        travels = () if crosses(vm, host, problem) else memory_that_travels(vm, host, problem)
        if not travels:
            return None
        words = f"its snapshot '{problem.pool.vms[travels[0]].name}' holds memory on an SR that the host does not know"
        return self.objection(words, remedy="delete the snapshot", disruption=Disruption.POLICY)


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
                    homeless = problem.pool.of_host(host.uuid).default_sr is None
                    code, remedy = "VDI_NOT_IN_MAP" if homeless else None, "delete the snapshot"
                    return self.objection(words, code=code, remedy=remedy, disruption=Disruption.POLICY)
        return None
