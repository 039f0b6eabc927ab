"""Devices that do not leave their pool."""

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
        words = "has a virtual GPU, for which plans name no group of the other pool"
        return self.objection(words) if vm.vgpus else None


class NoVTPM(VMRule):
    """Later versions take it along."""

    id = "no-vtpm"
    sentence = "The VM has no virtual TPM (before XAPI 23.13)."
    source = "xapi_vm_migrate.ml: assert_can_migrate, until 790d99072732"
    origin = Origin.XAPI
    code = "NOT_IMPLEMENTED"
    until = (23, 13)

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A virtual TPM."""
        words = "has a virtual TPM, which this version of XAPI takes to no other pool"
        return self.objection(words) if vm.vtpms else None
