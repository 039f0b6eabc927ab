"""What holds a single disk on its SR."""

from __future__ import annotations

from rebalancer.inventory import VDI, VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.core.versions import Version, xapi_version
from rebalancer.rules.facts.disk_maps import moving, own_disks

ONLY_THOSE_THAT_MOVE: Version = (25, 15)
"""The first xapi that lets disks stay which track changes; before, one of them held its VM."""


class NoCBT(DiskRule):
    """Before XAPI 25.15 any disk of the VM counted, moving or not."""

    id = "no-cbt"
    sentence = "Changed block tracking is off for every disk that changes its SR."
    source = "xapi_vm_migrate.ml: assert_can_migrate_vdis"
    origin = Origin.XAPI
    code = "VDI_CBT_ENABLED"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk that tracks its changes."""
        tracked = [disk for disk in _asked(vm, disks, problem) if disk.cbt_enabled]
        if not tracked:
            return None
        return self.objection(
            f"changed block tracking is on for its disk '{tracked[0].name}'", remedy="turn changed block tracking off"
        )


def _asked(vm: VM, disks: DiskTargets, problem: Problem) -> list[VDI]:
    version = xapi_version(problem.pool.hosts[problem.pool.of_vm(vm).coordinator])
    if version is None or version < ONLY_THOSE_THAT_MOVE:
        return [disk for disk in own_disks(vm, problem) if disk]
    return [disk for disk, _ in moving(disks, problem)]


class NotEncrypted(DiskRule):
    """The key does not travel."""

    id = "not-encrypted"
    sentence = "No disk that changes its SR is encrypted."
    source = "xapi_vm_migrate.ml: assert_can_migrate_vdis"
    origin = Origin.XAPI
    code = "VDI_IS_ENCRYPTED"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk with a key."""
        locked = [disk for disk, _ in moving(disks, problem) if "key_hash" in disk.sm_config]
        return self.objection(f"its disk '{locked[0].name}' is encrypted") if locked else None


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
