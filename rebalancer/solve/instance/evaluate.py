"""What hosts hold where the units are somewhere: loads, weights, and whether all limits hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from rebalancer.objectives import Levels, levels_of
from rebalancer.solve.instance.instance import Bools, Floats, Instance, Ints
from rebalancer.solve.instance.rows import Group, Limit

UNLIMITED = 2**62


def load_of(instance: Instance, at: Ints) -> Ints:
    """Parts of a unit on every host and column, the worst peaks included, shape (hosts, columns)."""
    load = usual_load_of(instance, at)
    return load + instance.deviations.worst(at) if instance.deviations.budget else load


def usual_load_of(instance: Instance, at: Ints) -> Ints:
    """Parts of a unit on every host and column without any peak, shape (hosts, columns)."""
    load = instance.base.copy()
    np.add.at(load, at, instance.demand)
    return load


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelsOfOne:
    """What the load of one resource costs.

    Args:
        columns: where it is among the loads.
        limits: parts of a unit from which each step counts, shape (levels, hosts, columns), or (levels, hosts, 1).
        steps: what a part costs more from each level on, shape (levels,).
        hours: how many hours each column counts, shape (columns,); None where each counts one, and nothing else counts.
    """

    columns: slice
    limits: Ints
    steps: Floats
    hours: Floats | None = None

    @property
    def threshold(self) -> Ints:
        """Parts of a unit above which load is overload, shape (hosts, columns)."""
        lowest = self.limits[0]
        return np.broadcast_to(lowest, (len(lowest), self.columns.stop - self.columns.start))

    def cost(self, load: Ints, hosts: int | Ints) -> Floats:
        """What *load* of shape (loads, columns) costs, on one of *hosts* each, shape (loads,)."""
        mine, limits, cost = load[:, self.columns], self.limits[:, hosts], np.zeros(len(load))
        rows = np.flatnonzero((mine > limits[0]).any(axis=1))
        mine, limits = mine[rows], limits if np.ndim(hosts) == 0 else limits[:, rows]
        for level, step in enumerate(self.steps):
            over = np.maximum(mine - limits[level], 0)
            added = over.sum(axis=1) if self.hours is None else over @ self.hours
            cost[rows] += step * added
            higher = added > 0
            if not higher.all():
                rows, mine = rows[higher], mine[higher]
                limits = limits if np.ndim(hosts) == 0 else limits[:, higher]
            if not len(rows):
                break
        return cost

    def slopes(self, load: Ints) -> Floats:
        """What a part more costs on each host in each column at *load* of shape (hosts, columns); the same shape."""
        mine = load[:, self.columns]
        slope = sum((step * (mine >= limit) for limit, step in zip(self.limits, self.steps, strict=True)), start=0.0)
        return np.broadcast_to(slope, mine.shape) * (1.0 if self.hours is None else self.hours)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadLevels:
    """What load costs, of CPU first and then of each other resource that counts."""

    resources: tuple[LevelsOfOne, ...]

    @property
    def threshold(self) -> Ints:
        """Parts of a unit above which load is overload, shape (hosts, columns)."""
        return np.hstack([each.threshold for each in self.resources])

    def cost(self, load: Ints, hosts: int | Ints) -> Floats:
        """What *load* of shape (loads, columns) costs in all columns, on one of *hosts* each, shape (loads,)."""
        first, *others = (each.cost(load, hosts) for each in self.resources)
        return sum(others, start=first)

    def slopes(self, load: Ints) -> Floats:
        """What a part more costs on each host in each column at *load*, both of shape (hosts, columns)."""
        slopes = np.zeros(load.shape)
        for each in self.resources:
            slopes[:, each.columns] += each.slopes(load)
        return slopes


def load_levels(instance: Instance) -> LoadLevels:
    """The levels of the policy in the numbers of *instance*."""
    levels = levels_of(instance.problem)
    alike = _hours_of_all(levels) is not None
    return LoadLevels(resources=tuple(_of_one(instance, each, alike=alike) for each in levels))


def part_of_pcpu_hour(instance: Instance) -> float:
    """How many weighted pCPU-hours one is of what `load_levels` counts."""
    hours = _hours_of_all(levels_of(instance.problem))
    return float(1 if hours is None else hours) / instance.resolution.parts_per_pcpu


def _hours_of_all(levels: Sequence[Levels]) -> Fraction | None:
    """The hours of every column; None where they differ."""
    found = {hours for each in levels for hours in each.hours}
    return found.pop() if len(found) == 1 else None


def _of_one(instance: Instance, levels: Levels, *, alike: bool) -> LevelsOfOne:
    return LevelsOfOne(
        columns=levels.columns,
        limits=instance.resolution.limit_parts(levels.limits[:, instance.columns]),
        steps=np.array([float(step) for step in levels.steps]),
        hours=None if alike else np.array([float(hours) for hours in levels.hours]),
    )


def overload_limits(instance: Instance) -> Ints:
    """Parts of a unit above which load is overload, shape (hosts, columns)."""
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


def uppers_from(instance: Instance, held: Ints) -> Ints:
    """What each family may weigh on each host so that no limit breaks further than where they weigh *held*.

    Of wishes, too; shape (families, hosts).
    """
    limits = (*instance.limits, *instance.soft_limits)
    strict = uppers_of(instance, (replace(each, most=each.upper) for each in limits if each.most > each.upper))
    return np.minimum(uppers_of(instance, limits), np.maximum(strict, held))


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
    full = weights_of(instance, at) > uppers_of(instance, instance.limits)
    doubtful = (each for each in instance.limits if len(each.hosts) > 1 or full[each.family, each.hosts[0]])
    return (
        bool(legal)
        and all(_keeps(instance, limit, at) for limit in doubtful)
        and all(_stays_together(group, at) for group in instance.groups)
        and instance.disks.packed(instance.host_of(at)) is not None
    )


def exceeds(instance: Instance, limit: Limit, at: Ints) -> bool:
    """Whether more weighs on *limit* than its `upper` where the units are *at*, newcomers counted as residents."""
    family = instance.families[limit.family]
    return int(family.resident[limit.covers(at)].sum() + family.fixed[limit.hosts].sum()) > max(limit.upper, 0)


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
