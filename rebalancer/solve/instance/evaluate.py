"""What hosts hold where the units are somewhere: loads, weights, and whether all limits hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rebalancer.objectives import levels_of
from rebalancer.objectives.load import slot_hours
from rebalancer.solve.instance.instance import Bools, Floats, Instance, Ints
from rebalancer.solve.instance.rows import Group, Limit

UNLIMITED = 2**62


def load_of(instance: Instance, at: Ints) -> Ints:
    """Parts of a pCPU on every host and slot, the worst peaks included, shape (hosts, slots)."""
    load = usual_load_of(instance, at)
    return load + instance.deviations.worst(at) if instance.deviations.budget else load


def usual_load_of(instance: Instance, at: Ints) -> Ints:
    """Parts of a pCPU on every host and slot without any peak, shape (hosts, slots)."""
    load = instance.base.copy()
    np.add.at(load, at, instance.demand)
    return load


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadLevels:
    """What load costs.

    Args:
        limits: parts of a pCPU from which each step counts, shape (levels, hosts).
        steps: what a part costs more from each level on, shape (levels,).
        hours: how many hours each slot counts, shape (slots,); None where all count alike.
    """

    limits: Ints
    steps: Floats
    hours: Floats | None = None

    @property
    def threshold(self) -> Ints:
        """Parts of a pCPU above which load is overload, shape (hosts,)."""
        lowest: Ints = self.limits[0]
        return lowest

    def cost(self, load: Ints, hosts: int | Ints) -> Floats:
        """What *load* of shape (loads, slots) costs in all slots together, on one of *hosts* each, shape (loads,)."""
        limits = self.limits[:, hosts]
        cost = np.zeros(len(load))
        for limit, step in zip(limits, self.steps, strict=True):
            above = load - np.reshape(limit, (-1, 1))
            if not (above > 0).any():
                break
            over = np.maximum(above, 0)
            cost += step * (over.sum(axis=1) if self.hours is None else over @ self.hours)
        return cost


def load_levels(instance: Instance) -> LoadLevels:
    """The levels of the policy in the numbers of *instance*."""
    levels = levels_of(instance.problem)
    limits = instance.resolution.limit_parts(levels.limits[:, instance.columns])
    hours = slot_hours(instance.problem)
    weighted = hours if len(set(hours.tolist())) > 1 else None
    return LoadLevels(limits=limits, steps=np.array([float(step) for step in levels.steps]), hours=weighted)


def overload_limits(instance: Instance) -> Ints:
    """Parts of a pCPU above which load is overload, shape (hosts,)."""
    return load_levels(instance).threshold


def weights_of(instance: Instance, at: Ints) -> Ints:
    """What every family weighs on every host, shape (families, hosts)."""
    held = np.array([family.fixed for family in instance.families], dtype=np.int64)
    held = held.reshape(len(instance.families), len(instance.hosts))
    for number, family in enumerate(instance.families):
        np.add.at(held[number], at, np.where(at == instance.home, family.resident, family.arrival))
    return held


def uppers_of(instance: Instance, limits: Iterable[Limit]) -> Ints:
    """What each family may weigh on each host, by those of *limits* over one host, shape (families, hosts)."""
    upper = np.full((len(instance.families), len(instance.hosts)), UNLIMITED, dtype=np.int64)
    for limit in limits:
        if len(limit.hosts) == 1:
            host = limit.hosts[0]
            upper[limit.family, host] = min(upper[limit.family, host], max(limit.most, 0))
    return upper


def bound_elsewhere(instance: Instance) -> Bools:
    """Units on which limits over several hosts, groups that are apart or wishes of groups bear, shape (units,)."""
    found = np.zeros(len(instance.units), dtype=np.bool_)
    for limit in (*instance.limits, *instance.soft_limits):
        if len(limit.hosts) > 1:
            family = instance.families[limit.family]
            found |= (family.resident > 0) | (family.arrival > 0)
    for group in instance.breakable_groups:
        found[group.units] = True
    return found


def holds(instance: Instance, at: Ints) -> bool:
    """Whether the units may be *at* these hosts, by the same limits as the model's."""
    legal = instance.legal[np.arange(len(at)), at].all()
    return (
        bool(legal)
        and all(_keeps(instance, limit, at) for limit in instance.limits)
        and all(_stays_together(group, at) for group in instance.groups)
        and instance.disks.packed(instance.host_of(at)) is not None
    )


def _keeps(instance: Instance, limit: Limit, at: Ints) -> bool:
    family = instance.families[limit.family]
    here = limit.covers(at)
    resident = limit.covers(instance.home)
    weights = np.where(resident, family.resident, family.arrival)
    total = int(weights[here].sum() + family.fixed[limit.hosts].sum())
    joined = bool((here & ~resident & (weights > 0)).any())
    return total <= max(limit.most, 0) or not joined


def _stays_together(group: Group, at: Ints) -> bool:
    """Whether a group is on hosts where it was, or as a whole on one."""
    hosts = set(at[group.units].tolist()) | group.fixed
    return hosts <= group.hosts or len(hosts) == 1
