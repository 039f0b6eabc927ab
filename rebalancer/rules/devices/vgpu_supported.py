"""The pool can set up the VM's virtual GPUs on another host."""

from __future__ import annotations

from rebalancer.inventory import VM, DomainType
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.facts.domain import configured_domain_type
from rebalancer.rules.facts.gpu import implementations

WHOLE_CARD = "passthrough"


class VGPUSupported(VMRule):
    """Asked when the target is reserved; a licence that says nothing of virtual GPUs does not allow them."""

    id = "vgpu-supported"
    sentence = "A VM with a virtual GPU is HVM, and unless it has a whole card, the pool's licence allows virtual GPUs."
    source = "vgpuops.ml: create_vgpus; features.ml"
    origin = Origin.XAPI
    code = "LICENCE_RESTRICTION"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A guest that could not be given its virtual GPUs again."""
        if not vm.vgpus:
            return None
        if configured_domain_type(vm) is not DomainType.HVM:
            return self.objection("has a virtual GPU and is not HVM", code="FEATURE_REQUIRES_HVM")
        said = problem.pool.of_vm(vm).restrictions.get("restrict_vgpu")
        if implementations(vm.vgpus, problem) == {WHOLE_CARD} or said == "false":
            return None
        return self.objection(
            "the pool's licence does not allow virtual GPUs",
            remedy="apply a licence that does",
            disruption=Disruption.POOL,
        )
