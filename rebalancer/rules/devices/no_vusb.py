"""The VM has no USB device of its host."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NoVUSB(VMRule):
    """USB pass-through ties a VM to its host; a virtual TPM does not."""

    id = "no-vusb"
    sentence = "No USB device of the host is passed through to the VM."
    source = "xapi_vm_lifecycle.ml: check_operation_error"
    origin = Origin.XAPI
    code = "VM_HAS_VUSBS"
    since = (1, 57)

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """Any virtual USB device."""
        if not vm.vusbs:
            return None
        return self.objection(f"virtual USB devices: {len(vm.vusbs)}", remedy="remove the virtual USB device")
