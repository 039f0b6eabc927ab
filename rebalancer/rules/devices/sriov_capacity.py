"""The target has free virtual functions for the VM's SR-IOV interfaces."""

from __future__ import annotations

from collections import Counter

from rebalancer.inventory import DANGLING, VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule


class SRIOVCapacity(PairRule[tuple[tuple[Uuid, int], ...]]):
    """An interface that has its function already needs no other: that one is a PCI device, and holds the VM."""

    id = "sriov-capacity"
    sentence = "For each SR-IOV network the target has a free virtual function for every interface without one."
    source = "xapi_vm_helpers.ml: assert_netsriov_available; xapi_pci.ml: get_idle_vf_nums"
    origin = Origin.XAPI
    code = "NETWORK_SRIOV_INSUFFICIENT_CAPACITY"

    def needs(self, vm: VM, problem: Problem) -> tuple[tuple[Uuid, int], ...] | None:
        """How many interfaces without a function, by network."""
        bare = Counter(vif.network for vif in vm.vifs if vif.reserved_pci in (None, DANGLING))
        return tuple(sorted(bare.items())) or None

    def objects(self, needs: tuple[tuple[Uuid, int], ...], host: Host, problem: Problem) -> Objection | None:
        """A network whose card has too few left; on a network without SR-IOV nothing is needed."""
        free = {pif.network: pif.free_virtual_functions for pif in host.pifs}
        for network, count in needs:
            left = free.get(network)
            if left is not None and left < count:
                return self.objection(f"needs {count} free virtual functions, the host's card has {left}")
        return None
