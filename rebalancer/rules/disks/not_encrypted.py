"""No disk that moves is encrypted."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import moving


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
