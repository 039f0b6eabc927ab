"""Networks without PIFs: they exist where VMs that run on them are."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.problem import Problem


@dataclass(frozen=True, slots=True)
class Internal:
    """An internal network: the hosts where VMs run on it; `everywhere` when xapi does not mind."""

    network: Uuid
    name: str
    hosts: frozenset[Uuid]
    everywhere: bool


def internal_network(uuid: Uuid, problem: Problem) -> Internal | None:
    """What is known of a network without PIFs; None for all others, unknown ones too."""
    network = problem.pool.networks.get(uuid)
    if network is None or network.pifs:
        return None
    hosts = problem.index.hosts_of_network.get(uuid, frozenset())
    shared = network.other_config.get("assume_network_is_shared") == "true" or not network.managed
    return Internal(uuid, problem.names.networks[uuid], hosts, everywhere=shared or not hosts)
