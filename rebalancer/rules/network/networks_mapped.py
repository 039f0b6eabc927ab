"""Every interface comes to a network of the target."""

from __future__ import annotations

from rebalancer.inventory import PIF, VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.counterparts import interfaces, network_beyond

Plugged = tuple[Uuid, tuple[Uuid, ...], bool]
"""The pool of a VM, the networks of its interfaces, and whether one of them is a virtual function of a card."""

NAME_IT = "name it in the policy's other_pools.networks"
LEAD_IT = "lead it elsewhere by the policy's other_pools.networks"


class NetworksMapped(PairRule[Plugged]):
    """XAPI wants a map; it does not look whether the host is on these networks, and would fail once all is copied."""

    id = "networks-mapped"
    sentence = "Every interface of the VM and of its snapshots leads to one network of the other pool, on the target."
    source = "xapi_vm_migrate.ml: assert_can_migrate, infer_vif_map; the policy's other_pools.networks"
    origin = Origin.XAPI
    code = "VIF_NOT_IN_MAP"

    def needs(self, vm: VM, problem: Problem) -> Plugged | None:
        """The networks, sorted."""
        vifs = interfaces(vm, problem)
        if not vifs:
            return None
        networks = tuple(sorted({vif.network for vif in vifs}))
        return problem.pool.of_vm(vm).uuid, networks, any(vif.reserved_pci is not None for vif in vifs)

    def objects(self, needs: Plugged, host: Host, problem: Problem) -> Objection | None:
        """A network that leads nowhere, or to one that the host is not on."""
        pool, networks, virtual = needs
        home = next(each for each in problem.pool.members if each.uuid == pool)
        if virtual:
            return self.objection("has an interface that is a virtual function of a card of its host")
        for network in networks:
            beyond = network_beyond(network, home, problem.pool.of_host(host.uuid), problem)
            if beyond.uuid is None:
                return self.objection(beyond.words, remedy=NAME_IT, disruption=Disruption.POLICY)
            if not any(pif.network == beyond.uuid and _is_ordinary(pif) for pif in host.pifs):
                name = problem.names.networks[beyond.uuid]
                words = f"comes to network '{name}', on which the host has no ordinary PIF"
                return self.objection(words, remedy=LEAD_IT, disruption=Disruption.POLICY)
        return None


def _is_ordinary(pif: PIF) -> bool:
    return pif.bond_slave_of is None and pif.free_virtual_functions is None
