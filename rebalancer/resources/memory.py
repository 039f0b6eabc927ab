"""Memory: what VMs are given, whatever they use of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rebalancer.demand import LoadProfile
from rebalancer.inventory import VM, Host, Pool
from rebalancer.policy import ResourcePolicy
from rebalancer.resources.load import DECIMALS, ResourceLoad
from rebalancer.units import GIB


def memory_load(pool: Pool, profile: LoadProfile, policy: ResourcePolicy) -> ResourceLoad:
    """GiB of VMs at their dynamic maximum, of what hosts have for VMs, dom0 included; the same in all hours."""
    hosts = list(pool.hosts.values())
    domains = {vm.resident_on: _gib(vm) for vm in pool.vms.values() if vm.is_control_domain}
    return ResourceLoad(
        id="memory",
        unit="GiB",
        policy=policy,
        vm=_column([_gib(pool.vms[vm]) if vm in pool.vms else 0.0 for vm in profile.vms]),
        base=_column([domains.get(host.uuid, 0.0) for host in hosts]),
        capacity=_column([_capacity(host) for host in hosts]),
        hours=(sum(profile.hours, start=Fraction(0)),),
    )


def _gib(vm: VM) -> float:
    return round((vm.memory.dynamic_max_bytes + vm.memory_overhead_bytes) / GIB, DECIMALS)


def _capacity(host: Host) -> float:
    """GiB; infinite where the host does not say it, and it is held."""
    if host.memory_total_bytes is None:
        return np.inf
    return round(max(0, host.memory_total_bytes - host.memory_overhead_bytes) / GIB, DECIMALS)


def _column(values: list[float]) -> np.ndarray:
    return np.array(values, dtype=np.float64).reshape(-1, 1)
