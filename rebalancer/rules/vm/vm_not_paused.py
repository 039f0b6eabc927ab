"""A VM that takes its disks along is not paused."""

from __future__ import annotations

from rebalancer.inventory import VM, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


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
