"""The load of hosts under a placement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.errors import MetricsRefused
from rebalancer.placement import Placement
from rebalancer.problem import Problem


def demand_of(problem: Problem) -> LoadProfile:
    """The load profile that the problem rests on.

    Raises:
        MetricsRefused: there is none.
    """
    if problem.demand is None:
        raise MetricsRefused(["this pool has no load profile, so load cannot be judged"])
    return problem.demand


def host_load(placement: Placement, problem: Problem) -> NDArray[np.float64]:
    """pCPUs used on every host in every slot, shape (hosts of the pool, slots).

    Raises:
        MetricsRefused: there is no load profile, or it leaves out a host or a placed VM: absent is not zero.
    """
    profile = demand_of(problem)
    load = base_load(problem)
    row = {vm: number for number, vm in enumerate(profile.vms)}
    column = {host: number for number, host in enumerate(problem.pool.hosts)}
    missing = [vm for vm in placement if vm not in row]
    if missing:
        raise MetricsRefused([f"the load profile leaves out VM {vm}" for vm in missing])
    np.add.at(
        load, [column[host] for host in placement.host_of.values()], profile.vm_pcpu[[row[vm] for vm in placement]]
    )
    return load


def base_load(problem: Problem) -> NDArray[np.float64]:
    """pCPUs that every host needs for itself, shape (hosts of the pool, slots).

    Raises:
        MetricsRefused: there is no load profile, or it leaves out a host.
    """
    profile = demand_of(problem)
    row = {host: number for number, host in enumerate(profile.hosts)}
    missing = [host for host in problem.pool.hosts if host not in row]
    if missing:
        raise MetricsRefused([f"the load profile leaves out host {host}" for host in missing])
    base: NDArray[np.float64] = profile.host_base_pcpu[[row[host] for host in problem.pool.hosts]]
    return base


def cpu_capacities(problem: Problem) -> NDArray[np.float64]:
    """pCPUs of every host that plans count on, shape (hosts of the pool,)."""
    return np.array([problem.cpu_capacity(host) for host in problem.pool.hosts.values()], dtype=np.float64)
