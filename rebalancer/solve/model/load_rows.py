"""Load in the model: what it costs, level by level, and the highest share of a capacity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, repeat

import numpy as np
from numpy.typing import NDArray

from rebalancer.objectives import Measure
from rebalancer.solve.instance.instance import Bools, Ints
from rebalancer.solve.model.peak_rows import NO_PEAKS, Peaks, peaks_on, surely_added
from rebalancer.solve.model.variables import NO_VARIABLE, Assignment, Loaded

SHARE_PARTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadRows(Loaded):
    """What pairs bring to a host in some slots is at most `room` and the variables `excess`, one for each level.

    Cheaper levels are filled first, because every level costs more than the one below it.

    Args:
        slots: the slots of the rows, rising.
        below: what fits beside `room` below each level, shape (levels, slots).
        most: how much each level takes at most, shape (levels, slots); 0 where no variable is needed.
        peaks: what peaks add, by slot; nothing where the policy is not robust.
    """

    slots: Ints
    below: Ints
    most: Ints
    peaks: tuple[Peaks, ...]

    def values(self, chosen: Ints) -> list[int]:
        """What is in each level of each slot that has a variable, where the *chosen* pairs are."""
        added = chosen[self.pairs] @ self.demand
        if self.peaks:
            added += np.array([each.added(chosen) for each in self.peaks])
        filled = np.clip(added - self.room - self.below, 0, self.most)
        values: list[int] = filled.T[self.most.T > 0].tolist()
        return values


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


def load_above(
    model: Assignment, limits: NDArray[np.float64], steps: Sequence[Fraction], hours: Sequence[Fraction], first: int = 0
) -> tuple[Measure, ...]:
    """What load costs above *limits* (levels, hosts, columns) on the watched hosts and columns of *model*, by level.

    The columns are those of the model from the *first* one on. Those that count other *hours*, or in which lower
    levels are not counted, have measures of their own.
    """
    limits, steps = limits[: model.scope.levels], steps[: model.scope.levels]
    levels, width = len(steps), model.load.shape[1]
    mine = np.zeros(width, dtype=np.bool_)
    mine[first : first + len(hours)] = True
    paid = np.zeros(width, dtype=np.int64) if model.scope.paid is None else model.scope.paid
    watched = np.ones_like(model.load, dtype=np.bool_) if model.scope.watched is None else model.scope.watched
    room, watched = _room(model, _spread(limits, mine), paid), watched & mine & (paid < levels)
    posted = [
        _post(model, _rows(model, host, pairs, room[:, host], watched[host]))
        for host, pairs in _pairs_by_host(model)
        if watched[host].any()
    ]
    over = np.maximum(-room, 0) * watched
    there = np.sum(over - np.append(over[1:], np.zeros_like(over[:1]), axis=0), axis=1)
    costs = [Fraction(0), *accumulate(steps)]
    return tuple(
        _measure(model, _variables(posted, level, slots), int(there[level, slots].sum()), slots)
        .times((costs[level + 1] - costs[count]) * length)
        .beside(float(steps[level] * length) * model.instance.resolution.surplus(limits[level]))
        for count, length, slots in _alike(paid, hours, mine)
        for level in range(count, levels)
    )


def _spread(limits: NDArray[np.float64], mine: Bools) -> NDArray[np.float64]:
    """*limits* (levels, hosts, columns that are *mine*) among all columns, of which the others mean nothing."""
    if mine.all():
        return limits
    spread = np.zeros((*limits.shape[:2], len(mine)))
    spread[:, :, mine] = limits
    return spread


def _variables(posted: Sequence[_Posted], level: int, slots: Bools) -> list[int]:
    """Those of all hosts for a *level* in some *slots*."""
    return [each for rows in posted for each in rows.of(level, slots)]


def _alike(paid: Ints, hours: Sequence[Fraction], mine: Bools) -> Iterator[tuple[int, Fraction, Bools]]:
    """The columns that are *mine* with as many levels *paid* and as many *hours*, with both, shape (columns,)."""
    lengths = sorted(set(hours))
    length = np.full(len(mine), len(lengths))
    length[mine] = [lengths.index(each) for each in hours]
    for count in np.unique(paid[mine]).tolist():
        for number in np.unique(length[mine & (paid == count)]).tolist():
            yield count, lengths[number], (paid == count) & (length == number)


def _room(model: Assignment, limits: NDArray[np.float64], paid: Ints) -> Ints:
    """What fits below each level beside what is there anyway, negative where that is above it (levels, hosts, slots).

    Levels that are *paid* begin where the first one that is not begins, so that nothing is in them.
    """
    instance = model.instance
    room = instance.resolution.limit_parts(limits[:, instance.columns]) - model.load - surely_added(model)
    first = np.maximum(np.arange(len(limits))[:, None], np.minimum(paid, len(limits) - 1))
    found: Ints = np.take_along_axis(room, first[:, None, :], axis=0)
    return found


def _measure(model: Assignment, variables: Sequence[int], offset: int, slots: Bools) -> Measure:
    """Units, summed: those of *variables*, and *offset* parts that are there anyway, in these columns."""
    instance = model.instance
    everything = instance.demand[:, slots].sum() + instance.base[:, slots].sum()
    peaks = instance.deviations.parts.sum() + instance.deviations.fixed.sum()
    return Measure(
        variables=tuple(variables),
        coefficients=(1,) * len(variables),
        offset=offset,
        largest=int(everything + peaks),
        worth=Fraction(1, instance.resolution.parts_per_pcpu),
    )


def _pairs_by_host(model: Assignment) -> Iterator[tuple[int, Ints]]:
    order = np.argsort(model.at_hosts, kind="stable")
    hosts, firsts = np.unique(model.at_hosts[order], return_index=True)
    ends = [*firsts[1:].tolist(), len(order)]
    for host, first, end in zip(hosts.tolist(), firsts.tolist(), ends, strict=False):
        yield host, order[first:end]


def _rows(model: Assignment, host: int, pairs: Ints, room: Ints, watched: Bools) -> LoadRows:
    """The rows of *host*, which has *room* below each level (levels, slots), less than nothing where it is above."""
    demand = model.instance.demand[model.units[pairs]]
    peaks = peaks_on(model, host, pairs)
    coming = demand.sum(axis=0) + peaks.most
    slots = np.flatnonzero(watched & (coming > np.maximum(room[0], 0)))
    ends = np.minimum(np.maximum(room[:, slots], 0), coming[slots])
    return LoadRows(
        host=host,
        pairs=pairs,
        slots=slots,
        demand=demand[:, slots],
        room=ends[0],
        below=ends - ends[0],
        most=np.diff(ends, axis=0, append=coming[None, slots]),
        peaks=tuple(peaks.in_slot(int(slot)) for slot in slots) if peaks.budget else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Posted:
    """The variables of a host: the number of each level, or none, shape (slots that have rows, levels)."""

    slots: Ints
    numbers: Ints

    def of(self, level: int, slots: Bools) -> list[int]:
        """Those of a *level* in some *slots*."""
        column = self.numbers[slots[self.slots], level]
        found: list[int] = column[column != NO_VARIABLE].tolist()
        return found


def _post(model: Assignment, rows: LoadRows) -> _Posted:
    used = rows.most.T > 0
    numbers = np.full(used.shape, NO_VARIABLE, dtype=np.int64)
    numbers[used] = model.whole_numbers(rows.most.T[used].tolist(), rows.values)
    excess = tuple(row[row != NO_VARIABLE].tolist() for row in numbers)
    model.load_rows.append(replace(rows, excess=excess))
    shared, columns, room = rows.pairs.tolist(), rows.demand.T.tolist(), rows.room.tolist()
    for above, column, upper, peaks in zip(excess, columns, room, rows.peaks or repeat(NO_PEAKS), strict=False):
        variables, coefficients, sure = peaks.post(model)
        terms = [*column, *coefficients, *[-1] * len(above)]
        model.writer.at_most([*shared, *variables, *above], terms, upper + sure)
    return _Posted(slots=rows.slots, numbers=numbers)


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
        for slot, held in enumerate(base[host, : model.instance.slots].tolist()):
            found.append(_Share(pairs=pairs, demand=demand[:, slot], peaks=peaks.in_slot(slot), base=held, room=room))
    return found
