"""The NVIDIA drivers on both hosts go together."""

from __future__ import annotations

from rebalancer.inventory import VM, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.facts.gpu import OTHERS, implementations


class VGPUDriver(VMRule):
    """Only the driver on the source host knows, and xapi asks it last; what is not known is no permission."""

    id = "vgpu-driver"
    sentence = "The VM has no NVIDIA virtual GPU: whether two drivers go together stands in no database."
    source = "xapi_gpumon.ml: assert_pgpu_is_compatible_with_vm"
    origin = Origin.XAPI
    code = "VGPU_DESTINATION_INCOMPATIBLE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A virtual GPU that runs, and may be NVIDIA's."""
        if vm.power_state is PowerState.HALTED or all(each in OTHERS for each in implementations(vm.vgpus, problem)):
            return None
        return self.objection("whether the target's GPU driver fits is known to the source host's driver alone")
