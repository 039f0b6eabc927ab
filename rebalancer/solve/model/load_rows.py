"""Load in the model: what is above a limit, and the highest share of a capacity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from rebalancer.objectives import Measure
from rebalancer.solve.instance.instance import Bools, Ints
from rebalancer.solve.model.peak_rows import NO_PEAKS, Peaks, peaks_on, surely_added
from rebalancer.solve.model.variables import Assignment, Loaded

SHARE_PARTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadRows(Loaded):
    """What pairs bring to a host in some slots is at most `room` and the variables `excess`.

    Args:
        most: how much more they bring at most, shape (slots,).
        peaks: what peaks add, by slot; nothing where the policy is not robust.
    """

    most: Ints
    peaks: tuple[Peaks, ...]

    def values(self, chosen: Ints) -> list[int]:
        """The excess in each slot where the *chosen* pairs are."""
        added = chosen[self.pairs] @ self.demand
        if self.peaks:
            added += np.array([each.added(chosen) for each in self.peaks])
        above: list[int] = np.maximum(added - self.room, 0).tolist()
        return above


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Share:
    """The load of a host in a slot: what pairs add to its base, and the capacity that it is a share of."""

    pairs: Ints
    demand: Ints
    peaks: Peaks
    base: int
    room: int

    def load(self, chosen: Ints) -> int:
        return int(self.demand @ chosen[self.pairs]) + self.peaks.added(chosen)

    def share(self, added: int) -> int:
        return -(-(self.base + added) * SHARE_PARTS // self.room)


def load_above(model: Assignment, limits: NDArray[np.float64]) -> Measure:
    """PCPUs above *limits* on the watched hosts and slots of *model*, summed."""
    instance, resolution = model.instance, model.instance.resolution
    room = resolution.limit_parts(limits[instance.columns]) - model.load - surely_added(model)
    watched = np.ones_like(room, dtype=np.bool_) if model.scope.watched is None else model.scope.watched
    variables: list[int] = []
    for host, pairs in _pairs_by_host(model):
        if watched[host].any():
            variables.extend(_post(model, _rows(model, host, pairs, room[host], watched[host])))
    everything = instance.demand.sum() + instance.base.sum()
    peaks = instance.deviations.parts.sum() + instance.deviations.fixed.sum()
    return Measure(
        variables=tuple(variables),
        coefficients=(1,) * len(variables),
        offset=int(np.maximum(-room[watched], 0).sum()),
        largest=len(limits) * int(everything + peaks),
        worth=Fraction(1, resolution.parts_per_pcpu),
        surplus=resolution.surplus(limits),
    )


def _pairs_by_host(model: Assignment) -> Iterator[tuple[int, Ints]]:
    order = np.argsort(model.at_hosts, kind="stable")
    hosts, firsts = np.unique(model.at_hosts[order], return_index=True)
    ends = [*firsts[1:].tolist(), len(order)]
    for host, first, end in zip(hosts.tolist(), firsts.tolist(), ends, strict=False):
        yield host, order[first:end]


def _rows(model: Assignment, host: int, pairs: Ints, room: Ints, watched: Bools) -> LoadRows:
    demand = model.instance.demand[model.units[pairs]]
    peaks = peaks_on(model, host, pairs)
    most = demand.sum(axis=0) + peaks.most - np.maximum(room, 0)
    slots = np.flatnonzero(watched & (most > 0))
    return LoadRows(
        host=host,
        pairs=pairs,
        demand=demand[:, slots],
        room=np.maximum(room[slots], 0),
        most=most[slots],
        peaks=tuple(peaks.in_slot(int(slot)) for slot in slots) if peaks.budget else (),
    )


def _post(model: Assignment, rows: LoadRows) -> range:
    excess = model.whole_numbers(rows.most.tolist(), rows.values)
    model.load_rows.append(replace(rows, excess=excess))
    shared, columns, room = rows.pairs.tolist(), rows.demand.T.tolist(), rows.room.tolist()
    for variable, column, upper, peaks in zip(excess, columns, room, rows.peaks or repeat(NO_PEAKS), strict=False):
        variables, coefficients, sure = peaks.post(model)
        model.writer.at_most([*shared, *variables, variable], [*column, *coefficients, -1], upper + sure)
    return excess


def highest_share(model: Assignment, capacities: NDArray[np.float64]) -> Measure:
    """One number that the share of no host with a capacity exceeds, in any slot."""
    resolution = model.instance.resolution
    rows = _shares(model, resolution.limit_parts(capacities[model.instance.columns]))
    highest = max((row.share(int(row.demand.sum()) + row.peaks.at_most) for row in rows), default=0)
    peak = model.whole_number(highest, lambda chosen: max((row.share(row.load(chosen)) for row in rows), default=0))
    for row in rows:
        variables, coefficients, sure = row.peaks.post(model)
        terms = [*row.demand.tolist(), *coefficients]
        shares = [each * SHARE_PARTS for each in terms]
        model.at_most([*row.pairs.tolist(), *variables, peak], [*shares, -row.room], (sure - row.base) * SHARE_PARTS)
    lowest = float(capacities[capacities > 0].min(initial=1.0))
    return Measure(
        variables=(peak,),
        coefficients=(1,),
        offset=0,
        largest=highest,
        worth=Fraction(1, SHARE_PARTS),
        surplus=1 / SHARE_PARTS + resolution.surplus(capacities) / lowest,
    )


def _shares(model: Assignment, capacities: Ints) -> list[_Share]:
    found = []
    base = model.load + surely_added(model)
    for host in np.flatnonzero(capacities > 0):
        pairs = np.flatnonzero(model.at_hosts == host)
        demand = model.instance.demand[model.units[pairs]]
        peaks, room = peaks_on(model, int(host), pairs), int(capacities[host])
        for slot, held in enumerate(base[host].tolist()):
            found.append(_Share(pairs=pairs, demand=demand[:, slot], peaks=peaks.in_slot(slot), base=held, room=room))
    return found
