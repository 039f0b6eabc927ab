"""Disks that are reset at boot: their cache holds a VM on its host, their mode holds them on their SR."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin, VMRule
from rebalancer.rules.facts.disk_maps import own_disks
from rebalancer.rules.facts.domain import says_true


class IntelliCache(VMRule):
    """The keys are SM's own, written while the cache is in use; VDI.on_boot alone does not hold a VM."""

    id = "intellicache"
    sentence = "No disk is reset at boot and cached on local storage at the same time."
    source = "xapi_vm_lifecycle.ml: check_operation_error (vdis_reset_and_caching)"
    origin = Origin.XAPI
    code = "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A disk with such a cache."""
        found = (problem.pool.vdis.get(drive.vdi or "") for drive in vm.vbds)
        reset = (disk for disk in found if disk and disk.sm_config.get("on_boot") == "reset")
        cached = [disk.name for disk in reset if says_true(disk.sm_config, "caching")]
        return self.objection(f"its disk '{cached[0]}' is cached on the host and reset at boot") if cached else None


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
