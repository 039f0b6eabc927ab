"""The power states in which a VM migrates."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rebalancer.inventory import VM, Host, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule

WAKES: Final = {
    PowerState.PAUSED: "unpause it",
    PowerState.SUSPENDED: "resume it",
    PowerState.HALTED: "start it",
}
"""What makes a VM run, by its power state."""


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
        return self.objection(f"is {vm.power_state.lower()}, not running", remedy=WAKES[vm.power_state])

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """A paused VM that runs; one that is on no host is not there to be moved."""
        return replace(vm, power_state=PowerState.RUNNING) if vm.power_state is PowerState.PAUSED else None


class VMNotPaused(VMRule):
    """Running, suspended and halted VMs may, paused ones not."""

    id = "vm-not-paused"
    sentence = "The VM is not paused."
    source = "xapi_vm_lifecycle.ml: allowed_power_states"
    origin = Origin.XAPI
    code = "VM_BAD_POWER_STATE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A paused VM."""
        paused = vm.power_state is PowerState.PAUSED
        return self.objection("is paused", remedy=WAKES[PowerState.PAUSED]) if paused else None

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM that runs."""
        return replace(vm, power_state=PowerState.RUNNING)
