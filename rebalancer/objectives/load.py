"""The load of hosts under a placement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.errors import MetricsRefused, NoMetrics
from rebalancer.placement import Placement
from rebalancer.problem import Problem

T = TypeVar("T", np.float64, np.int64)


def demand_of(problem: Problem) -> LoadProfile:
    """The load profile that the problem rests on.

    Raises:
        NoMetrics: there is none.
    """
    if problem.demand is None:
        raise NoMetrics(["the pool was read without any that can be used"])
    return problem.demand


def slot_hours(problem: Problem) -> NDArray[np.float64]:
    """How many hours each slot counts, shape (slots,)."""
    return np.array([float(hours) for hours in demand_of(problem).hours])


def host_load(placement: Placement, problem: Problem) -> NDArray[np.float64]:
    """pCPUs used on every host in every slot, shape (hosts of the pool, slots).

    With a robust policy, the VMs of each host and slot whose peaks add most count with their peaks, as many as its
    budget says (Bertsimas and Sim, The Price of Robustness, 2004).

    Raises:
        MetricsRefused: there is no load profile, it leaves out a host or a placed VM, or it has no peaks where the
            policy asks for them: absent is not zero.
    """
    load = usual_load(placement, problem)
    if not problem.policy.demand.peaking:
        return load
    peaks = [each.sum(axis=0) for each in worst_on_hosts(placement, problem)]
    return np.asarray(load + np.array(peaks).reshape(load.shape), dtype=np.float64)


def usual_load(placement: Placement, problem: Problem) -> NDArray[np.float64]:
    """pCPUs used on every host in every slot without any peak, shape (hosts of the pool, slots).

    Raises:
        MetricsRefused: there is no load profile, or it leaves out a host or a placed VM.
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


def worst_on_hosts(placement: Placement, problem: Problem) -> list[NDArray[np.float64]]:
    """For every host the worst deviations in each slot, largest first, shape (as many as the budget says, slots)."""
    deviations, fixed = vm_deviations(problem), host_deviations(problem)
    row = {vm: number for number, vm in enumerate(demand_of(problem).vms)}
    there = placement.vms_by_host()
    return [
        largest(
            np.vstack([fixed[number], deviations[[row[vm] for vm in there.get(host, ())]]]),
            problem.policy.demand.peaking,
        )
        for number, host in enumerate(problem.pool.hosts)
    ]


def largest(deviations: NDArray[T], count: int) -> NDArray[T]:
    """The *count* largest in each column of *deviations* (rows, slots), largest first; all where there are no more."""
    return -np.sort(-deviations, axis=0)[:count]


def vm_deviations(problem: Problem) -> NDArray[np.float64]:
    """How far the peak of each VM of the profile is above what it usually needs, shape (VMs of the profile, slots).

    Raises:
        MetricsRefused: the profile was made without looking at peaks.
    """
    deviations = demand_of(problem).vm_deviation_pcpu
    if deviations is None:
        raise MetricsRefused(["the load profile holds no peaks: read the pool anew with the policy that asks for them"])
    return deviations


def host_deviations(problem: Problem) -> NDArray[np.float64]:
    """Deviations of VMs whose use is part of their host's own, shape (hosts of the pool, VMs, slots)."""
    profile = demand_of(problem)
    if profile.host_deviation_pcpu is None:
        return np.zeros((len(problem.pool.hosts), 0, profile.slots))
    row = {host: number for number, host in enumerate(profile.hosts)}
    return profile.host_deviation_pcpu[[row[host] for host in problem.pool.hosts]]


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
    """pCPUs of every host that plans count on, shape (hosts of the pool,); 0 where its load is not counted."""
    return np.array([problem.cpu_capacity(host) for host in problem.pool.hosts.values()], dtype=np.float64)


def counted_hosts(problem: Problem) -> NDArray[np.bool_]:
    """Which hosts of the pool have a load that counts, shape (hosts of the pool,)."""
    return np.array([host not in problem.held.uncounted for host in problem.pool.hosts], dtype=np.bool_)


def overload_limits(problem: Problem) -> NDArray[np.float64]:
    """pCPUs above which load is overload, shape (hosts of the pool,)."""
    return pcpus_at(problem.policy.objective.threshold, problem)


def pcpus_at(share: float, problem: Problem) -> NDArray[np.float64]:
    """pCPUs of every host that are a *share* of its capacity, shape (hosts of the pool,).

    Where load is not counted, it is more than the whole pool uses: no placement is better or worse for it.
    """
    levels: NDArray[np.float64] = pcpus_at_shares([share], problem)[0]
    return levels


def pcpus_at_shares(shares: Sequence[float], problem: Problem) -> NDArray[np.float64]:
    """`pcpus_at` of each of *shares*, shape (shares, hosts of the pool)."""
    profile = demand_of(problem)
    peaks = (each.sum() for each in (profile.vm_deviation_pcpu, profile.host_deviation_pcpu) if each is not None)
    everything = profile.vm_pcpu.sum() + profile.host_base_pcpu.sum() + sum(peaks) + 1.0
    return np.where(counted_hosts(problem), np.outer(shares, cpu_capacities(problem)), everything)
