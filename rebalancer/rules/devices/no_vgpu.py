"""No virtual GPU leaves its pool."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NoVGPU(VMRule):
    """XAPI wants a map of GPU groups; plans carry none."""

    id = "no-vgpu"
    sentence = "The VM has no virtual GPU."
    source = "xapi_vm_migrate.ml: infer_vgpu_map; plans hold no map of GPU groups"
    origin = Origin.POLICY

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A virtual GPU."""
        return (
            self.objection("has a virtual GPU, for which plans name no group of the other pool") if vm.vgpus else None
        )
