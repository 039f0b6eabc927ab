"""Every interface comes to a network of the target."""

from __future__ import annotations

from rebalancer.inventory import PIF, VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.counterparts import interfaces, interfaces_to_lead, network_beyond

Plugged = tuple[Uuid, tuple[Uuid, ...]]
"""The pool of a VM, and the networks of its interfaces."""

NAME_IT = "name it in the policy's other_pools.networks"
LEAD_IT = "lead it elsewhere by the policy's other_pools.networks"


class NetworksMapped(PairRule[Plugged]):
    """XAPI wants a map; what is in it is nothing that it looks at."""

    id = "networks-mapped"
    sentence = "Every interface of the VM and of its snapshots leads to one network of the other pool."
    source = "xapi_vm_migrate.ml: assert_can_migrate, infer_vif_map; the policy's other_pools.networks"
    origin = Origin.XAPI
    code = "VIF_NOT_IN_MAP"

    def needs(self, vm: VM, problem: Problem) -> Plugged | None:
        """The networks, sorted."""
        return _plugged(vm, problem)

    def objects(self, needs: Plugged, host: Host, problem: Problem) -> Objection | None:
        """A network that leads nowhere."""
        pool, networks = needs
        home = next(each for each in problem.pool.members if each.uuid == pool)
        for network in networks:
            beyond = network_beyond(network, home, problem.pool.of_host(host.uuid), problem)
            if beyond.uuid is None:
                return self.objection(beyond.words, remedy=NAME_IT, disruption=Disruption.POLICY)
        return None


class NetworksThere(PairRule[tuple[Plugged, bool]]):
    """XAPI does not look; the VM would come to a network without a wire, or not at all once all is copied."""

    id = "networks-there"
    sentence = "The target is on every network to which an interface leads, and none of them is a virtual function."
    source = "xapi_vm_migrate.ml: migrate_send', Network.attach_for_vm"
    origin = Origin.XAPI

    def needs(self, vm: VM, problem: Problem) -> tuple[Plugged, bool] | None:
        """The networks, sorted, and whether an interface is a virtual function of a card."""
        plugged = _plugged(vm, problem)
        virtual = any(vif.reserved_pci is not None for vif in interfaces(vm, problem))
        return None if plugged is None else (plugged, virtual)

    def objects(self, needs: tuple[Plugged, bool], host: Host, problem: Problem) -> Objection | None:
        """A network that the host is not on."""
        (pool, networks), virtual = needs
        home = next(each for each in problem.pool.members if each.uuid == pool)
        if virtual:
            return self.objection("has an interface that is a virtual function of a card of its host")
        for network in networks:
            beyond = network_beyond(network, home, problem.pool.of_host(host.uuid), problem)
            if beyond.uuid is None or any(pif.network == beyond.uuid and _is_ordinary(pif) for pif in host.pifs):
                continue
            words = f"comes to network '{problem.names.networks[beyond.uuid]}', on which the host has no ordinary PIF"
            return self.objection(words, remedy=LEAD_IT, disruption=Disruption.POLICY)
        return None


def _plugged(vm: VM, problem: Problem) -> Plugged | None:
    networks = tuple(sorted({vif.network for vif in interfaces_to_lead(vm, problem)}))
    return (problem.pool.of_vm(vm).uuid, networks) if networks else None


def _is_ordinary(pif: PIF) -> bool:
    return pif.bond_slave_of is None and pif.free_virtual_functions is None
