"""Slots that cost nothing, whatever moves: in which no host can come to be above its threshold.

What can be on a host at most is what is on it now, or as much load as fits its limits (memory above all), the most
load for each byte first, were VMs divided at will. Where that is below the threshold on every host, the slot is left
out: no placement is better or worse for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rebalancer.objectives.load import demand_of
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.evaluate import UNLIMITED, load_of, overload_limits, uppers_of
from rebalancer.solve.instance.instance import Bools, Floats, Instance, Ints
from rebalancer.solve.instance.rows import Family

MOST_FAMILIES = 4
"""Kinds of limit that are looked at, in their order: those of memory come first, and more rarely tell more."""

ROUNDING = 1e-9
"""Share by which sums of floats may be off."""


def without_idle_slots(instance: Instance) -> Instance:
    """*instance* with the slots alone in which load can cost something; as it is where peaks or resources count."""
    if instance.problem.demand is None or instance.deviations.budget or instance.problem.resources.all:
        return instance
    kept = binding_slots(instance)
    if kept.all():
        return instance
    problem, book = instance.problem, instance.book
    profile = replace(demand_of(problem).of_slots(np.flatnonzero(kept).tolist()), series=None)
    none = replace(
        instance.deviations,
        pcpu=instance.deviations.pcpu[:, kept],
        fixed_pcpu=instance.deviations.fixed_pcpu[:, :, kept],
    )
    return replace(
        instance,
        book=Rulebook(replace(problem, demand=profile), book.rules, limits=book.limits),
        unit_pcpu=instance.unit_pcpu[:, kept],
        base_pcpu=instance.base_pcpu[:, kept],
        demand=instance.demand[:, kept],
        base=instance.base[:, kept],
        deviations=none.rounded(instance.resolution),
    )


def binding_slots(instance: Instance) -> Bools:
    """In which slots some host may come to be above its threshold, shape (slots,)."""
    limits = overload_limits(instance)
    kept: Bools = np.any(load_of(instance, instance.home) > limits, axis=0)
    upper = uppers_of(instance, instance.limits)
    for host, limit in enumerate(limits):
        open_ = np.flatnonzero(~kept)
        if not len(open_):
            break
        most = instance.base[host, open_] + _most_on(instance, host, upper[:, host], open_)
        kept[open_[most * (1 + ROUNDING) >= limit[open_] + 1]] = True
    return kept


def _most_on(instance: Instance, host: int, upper: Ints, slots: Ints) -> Floats:
    """No less than what units can bring to *host* in *slots*, whose families weigh as much as *upper* (families,)."""
    may, here = instance.legal[:, host], instance.home == host
    units = np.flatnonzero(may | here)
    load = instance.demand[np.ix_(units, slots)].astype(np.float64)
    least: Floats = load.sum(axis=0)
    for family, room in _limiting(instance, host, upper):
        weight = np.minimum(family.resident, family.arrival)[units]
        staying = load[here[units] | (weight == 0)].sum(axis=0)
        least = np.minimum(least, np.maximum(_fitting(load, weight, room), staying))
    return least


def _limiting(instance: Instance, host: int, upper: Ints) -> Iterator[tuple[Family, int]]:
    """The families that are limited on *host*, and what there is room for."""
    limited = np.flatnonzero(upper < UNLIMITED)[:MOST_FAMILIES]
    return ((instance.families[each], int(upper[each] - instance.families[each].fixed[host])) for each in limited)


def _fitting(load: Floats, weight: Ints, room: int) -> Floats:
    """The most *load* (units, slots) of units that weigh no more than *room* together, were they divided at will."""
    weightless, weighing = load[weight == 0].sum(axis=0), weight > 0
    if room <= 0 or not weighing.any():
        return np.asarray(weightless, dtype=np.float64)
    heavy, weights = load[weighing], weight[weighing].astype(np.float64)
    order = np.argsort(-heavy / weights[:, None], axis=0, kind="stable")
    sizes = weights[order]
    parts = np.clip((room - (np.cumsum(sizes, axis=0) - sizes)) / sizes, 0.0, 1.0)
    found: Floats = weightless + (np.take_along_axis(heavy, order, axis=0) * parts).sum(axis=0)
    return found
