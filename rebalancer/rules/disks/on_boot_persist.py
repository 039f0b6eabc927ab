"""No disk of the VM is thrown away at boot."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import own_disks


class OnBootPersist(DiskRule):
    """`assert_can_migrate` does not ask; `migrate_send` refuses it when it has begun."""

    id = "on-boot-persist"
    sentence = "No disk of the VM is reset at boot."
    source = "xapi_vm_migrate.ml: migrate_send"
    origin = Origin.XAPI
    code = "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk that is reset."""
        reset = [disk for disk in own_disks(vm, problem) if disk and disk.on_boot == "reset"]
        return self.objection(f"its disk '{reset[0].name}' is reset at boot") if reset else None
