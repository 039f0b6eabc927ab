"""What hosts hold where the units are somewhere: loads, weights, and whether all limits hold."""

from __future__ import annotations

import numpy as np

from rebalancer.objectives import cpu_capacities
from rebalancer.solve.instance.instance import Bools, Ints, Prepared
from rebalancer.solve.instance.rows import Group, Limit

UNLIMITED = 2**62


def load_of(prepared: Prepared, at: Ints) -> Ints:
    """Parts of a pCPU on every host and slot, the worst peaks included, shape (hosts, slots)."""
    load = usual_load_of(prepared, at)
    return load + prepared.deviations.worst(at) if prepared.deviations.budget else load


def usual_load_of(prepared: Prepared, at: Ints) -> Ints:
    """The same without any peak, shape (hosts, slots)."""
    load = prepared.base.copy()
    np.add.at(load, at, prepared.demand)
    return load


def overload_limits(prepared: Prepared) -> Ints:
    """Parts of a pCPU above which load is overload, shape (hosts,)."""
    problem = prepared.problem
    limits = cpu_capacities(problem)[prepared.columns] * problem.policy.objective.threshold
    return prepared.resolution.limit_parts(limits)


def weights_of(prepared: Prepared, at: Ints) -> Ints:
    """What every family weighs on every host, shape (families, hosts)."""
    held = np.array([family.fixed for family in prepared.families], dtype=np.int64)
    held = held.reshape(len(prepared.families), len(prepared.hosts))
    for number, family in enumerate(prepared.families):
        np.add.at(held[number], at, np.where(at == prepared.home, family.resident, family.arrival))
    return held


def uppers_of(prepared: Prepared) -> Ints:
    """What each family may weigh on each host, by the limits and wishes over one host, shape (families, hosts)."""
    upper = np.full((len(prepared.families), len(prepared.hosts)), UNLIMITED, dtype=np.int64)
    for limit in (*prepared.limits, *prepared.soft_limits):
        if len(limit.hosts) == 1:
            host = limit.hosts[0]
            upper[limit.family, host] = min(upper[limit.family, host], max(limit.upper, 0))
    return upper


def bound_elsewhere(prepared: Prepared) -> Bools:
    """Units on which limits over several hosts, groups that are apart or wishes of groups bear, shape (units,)."""
    found = np.zeros(len(prepared.units), dtype=np.bool_)
    for limit in (*prepared.limits, *prepared.soft_limits):
        if len(limit.hosts) > 1:
            family = prepared.families[limit.family]
            found |= (family.resident > 0) | (family.arrival > 0)
    for group in prepared.breakable_groups:
        found[group.units] = True
    return found


def holds(prepared: Prepared, at: Ints) -> bool:
    """Whether the units may be *at* these hosts: the same judgement as the model's."""
    legal = prepared.legal[np.arange(len(at)), at].all()
    return (
        bool(legal)
        and all(_keeps(prepared, limit, at) for limit in prepared.limits)
        and all(_stays_together(group, at) for group in prepared.groups)
        and prepared.disks.packed(prepared.host_of(at)) is not None
    )


def _keeps(prepared: Prepared, limit: Limit, at: Ints) -> bool:
    """Whether a limit holds, or is broken and nobody joined."""
    family = prepared.families[limit.family]
    here = limit.covers(at)
    resident = limit.covers(prepared.home)
    weights = np.where(resident, family.resident, family.arrival)
    total = int(weights[here].sum() + family.fixed[limit.hosts].sum())
    joined = bool((here & ~resident & (weights > 0)).any())
    return total <= max(limit.upper, 0) or not joined


def _stays_together(group: Group, at: Ints) -> bool:
    """Whether a group is on hosts where it was, or as a whole on one."""
    hosts = set(at[group.units].tolist()) | group.fixed
    return hosts <= group.hosts or len(hosts) == 1
