"""What holds a single disk on its SR."""

from __future__ import annotations

from typing import Final

from rebalancer.inventory import VDI, VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.core.versions import Version, xapi_version
from rebalancer.rules.facts.disk_maps import following, moving, own_disks

ONLY_THOSE_THAT_MOVE: Version = (25, 15)
"""The first xapi that lets disks stay which track changes; before, one of them held its VM."""


KEY: Final = "key_hash"
"""What SM notes of a disk that it keeps encrypted."""
DELETE: Final = "delete the snapshot"


class NoCBT(DiskRule):
    """Before XAPI 25.15 any disk of the VM counted, moving or not; neither dry run asks about snapshots.

    A snapshot keeps what its disk had when it was taken, and XAPI does not let anybody change it.
    """

    id = "no-cbt"
    sentence = "Changed block tracking is off for every disk that changes its SR, those of snapshots included."
    source = "xapi_vm_migrate.ml: assert_can_migrate_vdis, migrate_send'"
    origin = Origin.XAPI
    code = "VDI_CBT_ENABLED"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk that tracks its changes."""
        for disk in _asked(vm, disks, problem):
            if disk.cbt_enabled:
                words = f"changed block tracking is on for its disk '{disk.name}'"
                return self.objection(words, remedy="turn changed block tracking off")
        for each in following(vm, host, disks, problem):
            if each.disk.cbt_enabled:
                words = f"changed block tracking is on for {each.words}"
                return self.objection(words, remedy=DELETE, disruption=Disruption.POLICY)
        return None


def _asked(vm: VM, disks: DiskTargets, problem: Problem) -> list[VDI]:
    version = xapi_version(problem.pool.hosts[problem.pool.of_vm(vm).coordinator])
    if version is None or version < ONLY_THOSE_THAT_MOVE:
        return [disk for disk in own_disks(vm, problem) if disk]
    return [disk for disk, _ in moving(disks, problem)]


class NotEncrypted(DiskRule):
    """The key does not travel; neither dry run asks about snapshots."""

    id = "not-encrypted"
    sentence = "No disk that changes its SR is encrypted, nor one of a snapshot."
    source = "xapi_vm_migrate.ml: assert_can_migrate_vdis, migrate_send'"
    origin = Origin.XAPI
    code = "VDI_IS_ENCRYPTED"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk with a key."""
        for disk, _ in moving(disks, problem):
            if KEY in disk.sm_config:
                return self.objection(f"its disk '{disk.name}' is encrypted")
        for each in following(vm, host, disks, problem):
            if KEY in each.disk.sm_config:
                return self.objection(f"{each.words} is encrypted", remedy=DELETE, disruption=Disruption.POLICY)
        return None


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
                name = problem.names.vms[others[0]]
                return self.objection(f"its disk '{disk.name}' is in a drive of VM '{name}', too")
        return None
