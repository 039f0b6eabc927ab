"""A VM with a passed-through GPU needs a host that can pass one through."""

from __future__ import annotations

from typing import Literal

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.gpu import PASSED_THROUGH, implementations

UNSAID = "INTERNAL_ERROR"
"""xapi trips over a host that does not say."""


class IOMMU(PairRule[Literal[True]]):
    """Whole cards and virtual functions alike."""

    id = "iommu"
    sentence = "The target has an IOMMU if a GPU, or a function of one, is passed through to the VM."
    source = "xapi_vm_helpers.ml: vm_needs_iommu, assert_host_has_iommu"
    origin = Origin.XAPI
    code = "VM_REQUIRES_IOMMU"

    def needs(self, vm: VM, problem: Problem) -> Literal[True] | None:
        """Whether anything is passed through."""
        return True if implementations(vm.vgpus, problem) & PASSED_THROUGH else None

    def objects(self, needs: Literal[True], host: Host, problem: Problem) -> Objection | None:
        """A host without an IOMMU, or one that does not say."""
        said = host.chipset_info.get("iommu")
        if said is None:
            return self.objection("needs an IOMMU, and the host does not say whether it has one", code=UNSAID)
        return None if said == "true" else self.objection("needs an IOMMU, the host has none")
