"""The target has at least as many pCPUs as the VM has vCPUs."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.domain import says_true
from rebalancer.units import counted


class EnoughPCPUs(PairRule[int]):
    """The most vCPUs that it may get count, not those that it has now."""

    id = "enough-pcpus"
    sentence = "The VM's VCPUs_max is at most the target's cpu_count, unless its platform has vcpu-unrestricted."
    source = "xapi_vm_helpers.ml: assert_enough_pcpus"
    origin = Origin.XAPI
    code = "HOST_NOT_ENOUGH_PCPUS"
    since = (1, 110)

    def needs(self, vm: VM, problem: Problem) -> int | None:
        """The number of vCPUs; None for a VM that may exceed it."""
        return None if says_true(vm.platform, "vcpu-unrestricted") else vm.vcpus_max

    def objects(self, needs: int, host: Host, problem: Problem) -> Objection | None:
        """A smaller host, or one that does not say."""
        if host.pcpus is None:
            words = f"has {counted(needs, 'vCPU')}, and the host does not say how many pCPUs it has"
            return self.objection(words, code="INTERNAL_ERROR")
        if needs <= host.pcpus:
            return None
        return self.objection(
            f"has up to {counted(needs, 'vCPU')}, the host only {counted(host.pcpus, 'pCPU')}",
            params=(str(needs), str(host.pcpus)),
        )
