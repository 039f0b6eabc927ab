"""What a step to another pool carries besides its disks: where it leads, and every interface with its network there."""

from __future__ import annotations

from rebalancer.inventory import Uuid
from rebalancer.placement import Move
from rebalancer.plan.step import Crossing, StepNetwork
from rebalancer.problem import Problem
from rebalancer.rules.facts.counterparts import interfaces, network_map


def crossing_of(move: Move, problem: Problem) -> Crossing | None:
    """The crossing that *move* is in *problem*, where its VM has not moved yet; None inside a pool."""
    pool, vm = problem.pool, problem.pool.vms[move.vm]
    home, there = pool.of_vm(vm), pool.of_host(move.target)
    if home is there:
        return None
    led = dict(network_map(vm, pool.hosts[move.target], problem))
    networks = tuple(
        StepNetwork(
            vif=vif.uuid,
            device=vif.device,
            source=vif.network,
            source_name=_name(vif.network, problem),
            target=led[vif.uuid],
            target_name=_name(led[vif.uuid], problem),
        )
        for vif in interfaces(vm, problem)
        if vif.uuid in led
    )
    return Crossing(pool=there.uuid, pool_name=there.name, networks=networks)


def _name(network: Uuid, problem: Problem) -> str:
    """What a network is called; empty where it is not known."""
    found = problem.pool.networks.get(network)
    return found.name if found else ""
