"""The interfaces that have to be led to networks of another pool: those of the VM and of its snapshots."""

from __future__ import annotations

from rebalancer.inventory import VIF, VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.facts.counterparts import network_beyond


def interfaces(vm: VM, problem: Problem) -> tuple[VIF, ...]:
    """All that XAPI wants in the map, sorted by uuid; snapshots of which nothing is known are for other rules."""
    snapshots = (problem.pool.vms.get(uuid) for uuid in vm.snapshots)
    found = [*vm.vifs, *(vif for snapshot in snapshots if snapshot for vif in snapshot.vifs)]
    return tuple(sorted(found, key=lambda vif: vif.uuid))


def network_map(vm: VM, host: Host, problem: Problem) -> tuple[tuple[Uuid, Uuid], ...]:
    """The `vif_map` of `VM.migrate_send`: every interface with the network that it comes to in the pool of *host*.

    An interface whose network leads nowhere is left out; the rule `networks-mapped` objects to it.
    """
    home, there = problem.pool.of_vm(vm), problem.pool.of_host(host.uuid)
    led = ((vif.uuid, network_beyond(vif.network, home, there, problem).uuid) for vif in interfaces(vm, problem))
    return tuple((vif, network) for vif, network in led if network is not None)
