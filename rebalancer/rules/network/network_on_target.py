"""The target is on every network of the VM."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.internal_networks import Internal, internal_network


class NetworkOnTarget(PairRule[tuple[Internal | Uuid, ...]]):
    """A PIF on the network is enough, plugged or not, and of interfaces that are not plugged the network counts too.

    A network without PIFs is where VMs that run on it are, and nowhere else.
    """

    id = "network-on-target"
    sentence = "The target has a PIF on every network of the VM; to an internal network a VM that already runs there."
    source = "xapi_network_attach_helpers.ml: assert_can_see_named_networks"
    origin = Origin.XAPI
    code = "VM_REQUIRES_NETWORK"

    def needs(self, vm: VM, problem: Problem) -> tuple[Internal | Uuid, ...] | None:
        """The networks, internal ones with their hosts."""
        networks = sorted({vif.network for vif in vm.vifs})
        return tuple(internal_network(network, problem) or network for network in networks) or None

    def objects(self, needs: tuple[Internal | Uuid, ...], host: Host, problem: Problem) -> Objection | None:
        """A network that the host is not on."""
        here = {pif.network for pif in host.pifs}
        for need in needs:
            if isinstance(need, Internal):
                if not need.everywhere and host.uuid not in need.hosts:
                    return self.objection(f"needs internal network '{need.name}', on which nobody runs on this host")
            elif need not in here:
                name = problem.names.networks.get(need, "unknown")
                return self.objection(f"needs network '{name}', the host has no PIF on it")
        return None
