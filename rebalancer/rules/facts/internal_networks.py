"""Networks without PIFs: they exist where VMs that run on them are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rebalancer.inventory import PowerState, Uuid
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
    hosts = _hosts_by_network(problem).get(uuid, frozenset())
    shared = network.other_config.get("assume_network_is_shared") == "true" or not network.managed
    return Internal(uuid, network.name, hosts, everywhere=shared or not hosts)


@lru_cache(maxsize=4)
def _hosts_by_network(problem: Problem) -> Mapping[Uuid, frozenset[Uuid]]:
    """The hosts of running VMs, by network."""
    found: dict[Uuid, set[Uuid]] = {}
    for vm in problem.pool.vms.values():
        if vm.power_state is PowerState.RUNNING and vm.resident_on is not None:
            for vif in vm.vifs:
                found.setdefault(vif.network, set()).add(vm.resident_on)
    return {network: frozenset(hosts) for network, hosts in found.items()}
