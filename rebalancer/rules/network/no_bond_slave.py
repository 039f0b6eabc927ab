"""The target's interface on the VM's network is not part of a bond."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule


class NoBondSlave(PairRule[frozenset[Uuid]]):
    """A member of a bond carries no network of its own any more."""

    id = "no-bond-slave"
    sentence = "No PIF of the target on a network of the VM is a member of a bond."
    source = "xapi_network_attach_helpers.ml: assert_no_slave"
    origin = Origin.XAPI
    code = "HOST_CANNOT_ATTACH_NETWORK"

    def needs(self, vm: VM, problem: Problem) -> frozenset[Uuid] | None:
        """The networks of its interfaces."""
        return frozenset(vif.network for vif in vm.vifs) or None

    def objects(self, needs: frozenset[Uuid], host: Host, problem: Problem) -> Objection | None:
        """An enslaved PIF on one of them."""
        found = [pif.device for pif in host.pifs if pif.network in needs and pif.bond_slave_of is not None]
        return self.objection(f"its {found[0]} on a network of the VM is a member of a bond") if found else None
