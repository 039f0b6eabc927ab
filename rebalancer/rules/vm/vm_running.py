"""The power states in which a VM migrates."""

from __future__ import annotations

from rebalancer.inventory import VM, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class VMRunning(VMRule):
    """XenMotion moves running VMs only: neither paused nor suspended nor halted ones."""

    id = "vm-running"
    sentence = "The VM is running: paused, suspended and halted VMs do not migrate live."
    source = "xapi_vm_lifecycle.ml: allowed_power_states"
    origin = Origin.XAPI
    code = "VM_BAD_POWER_STATE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """Any power state but Running."""
        if vm.power_state is PowerState.RUNNING:
            return None
        return self.objection(f"is {vm.power_state.lower()}, not running")


class VMNotPaused(VMRule):
    """Running, suspended and halted VMs may, paused ones not."""

    id = "vm-not-paused"
    sentence = "The VM is not paused."
    source = "xapi_vm_lifecycle.ml: allowed_power_states"
    origin = Origin.XAPI
    code = "VM_BAD_POWER_STATE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A paused VM."""
        return self.objection("is paused") if vm.power_state is PowerState.PAUSED else None
