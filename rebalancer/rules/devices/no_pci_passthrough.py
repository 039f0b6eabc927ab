"""The VM has no PCI device of its host."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.facts.gpu import implementation


class NoPCIPassthrough(VMRule):
    """Attached devices count, virtual functions of network cards too, those of its own NVIDIA SR-IOV GPUs do not."""

    id = "no-pci-passthrough"
    sentence = "No PCI device of the host is passed through to the VM, but for the functions of NVIDIA SR-IOV GPUs."
    source = "xapi_vm_lifecycle.ml: check_operation_error, nvidia_sriov_pcis"
    origin = Origin.XAPI
    code = "VM_HAS_PCI_ATTACHED"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A device that is not such a function."""
        own = {gpu.pci for gpu in vm.vgpus if implementation(gpu.type, problem) == "nvidia_sriov"}
        devices = [device for device in vm.attached_pcis if device not in own]
        if not devices:
            return None
        return self.objection(f"PCI devices of its host passed through to it: {len(devices)}")
