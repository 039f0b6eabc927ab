"""The target can run HVM guests."""

from __future__ import annotations

from typing import Literal

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.domain import needs_hvm


class HVMCapable(PairRule[Literal[True]]):
    """PVH counts as HVM."""

    id = "hvm-capable"
    sentence = "The target has hardware virtualisation if the VM is no PV guest."
    source = "helpers.ml: host_supports_hvm; xapi_vm_helpers.ml: assert_host_supports_hvm"
    origin = Origin.XAPI
    code = "VM_HVM_REQUIRED"

    def needs(self, vm: VM, problem: Problem) -> Literal[True] | None:
        """Whether it is needed."""
        return True if needs_hvm(vm) else None

    def objects(self, needs: Literal[True], host: Host, problem: Problem) -> Objection | None:
        """A host none of whose capabilities names hvm."""
        if any("hvm" in capability for capability in host.capabilities):
            return None
        return self.objection(
            "needs hardware virtualisation, the host has none",
            remedy="enable VT-x or AMD-V in its BIOS",
            disruption=Disruption.POOL,
        )
