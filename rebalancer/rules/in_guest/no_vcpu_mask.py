"""The VM is not pinned to numbered pCPUs."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NoVCPUMask(VMRule):
    """A mask names pCPUs of the present host; XAPI would take it along without a look at the target."""

    id = "no-vcpu-mask"
    sentence = "The VM's vCPUs are not pinned to numbered pCPUs by VCPUs_params mask."
    source = "XenServer administrator's guide: VCPUs_params:mask; no check in xapi"
    origin = Origin.MANUAL

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A mask that names pCPUs."""
        mask = vm.vcpus_params.get("mask")
        if not mask:
            return None
        return self.objection(f"is pinned to the pCPUs {mask} of its host", remedy="remove mask from VM.VCPUs_params")

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM without a mask."""
        return replace(vm, vcpus_params={key: value for key, value in vm.vcpus_params.items() if key != "mask"})
