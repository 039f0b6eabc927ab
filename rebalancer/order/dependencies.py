"""Which step has to wait for which: the real dependencies, so that every order that respects them is legal.

A step waits for the earlier steps of its own VM. For each limit that it loads, it waits for as many of the earlier
steps that free something of it as it needs to fit beside all earlier steps that load it. Why that is enough: take any
moment of any order that respects it, a limit, and of the steps that have begun to load the limit the one that stands
last in the plan. What it waited for is free by then, and nothing else has begun to load the limit but steps that stand
before it in the plan; beside all of those it fits. Newcomers may count more than residents (xapi rounds them up to
whole MiB); where that makes a difference, a step waits for earlier arrivals, too. A limit that no sum can state makes a
chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx

from rebalancer.inventory import Uuid
from rebalancer.placement import Migration
from rebalancer.rules import Row, Rulebook, StateLimit


def dependencies(migrations: Sequence[Migration], book: Rulebook) -> tuple[tuple[int, ...], ...]:
    """For each migration the positions of the earlier ones that it waits for, without those that follow from others."""
    limits = [bound.limit for bound in book.lasting]
    if any(isinstance(limit, StateLimit) for limit in limits):
        return tuple((position - 1,) if position else () for position in range(len(migrations)))
    order, there = _Partial(migrations), book.problem.initial.holders_by_place()
    for limit in limits:
        if isinstance(limit, Row) and limit.hard:
            order.respect(Traffic.of(limit, migrations, there))
    return order.reduced()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traffic:
    """What migrations do to one limit: by position, what each loads as newcomer and as resident, and what it frees."""

    upper: int
    initial: int
    arriving: dict[int, int] = field(default_factory=dict)
    resident: dict[int, int] = field(default_factory=dict)
    freed: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Row, migrations: Sequence[Migration], there: Mapping[Uuid, Sequence[Uuid]]) -> Traffic:
        """The traffic of *migrations* over *row*, whose places hold what is *there* at the start."""
        weights = row.weights.resident
        initial = sum(weights.get(holder, 0) for place in row.places for holder in there.get(place, ()))
        traffic = cls(upper=row.most, initial=initial)
        for position, move in enumerate(migrations):
            for holder, source, target in move.transfers:
                traffic.enter(position, row, holder, comes=target in row.places, goes=source in row.places)
        return traffic

    def enter(self, position: int, row: Row, holder: Uuid, *, comes: bool, goes: bool) -> None:
        """Add what *holder* loads or frees when the migration at *position* takes it to the row, or away from it."""
        resident, arriving = row.weights.resident.get(holder, 0), row.weights.arrival.get(holder, 0)
        if comes and not goes and arriving:
            self.resident[position] = self.resident.get(position, 0) + resident
            self.arriving[position] = self.arriving.get(position, 0) + max(resident, arriving)
        if goes and not comes and resident:
            self.freed[position] = self.freed.get(position, 0) + resident


class _Partial:
    """The growing relation: `_before[i]` are all positions that migration i waits for, directly or not."""

    def __init__(self, migrations: Sequence[Migration]) -> None:
        self._before: list[set[int]] = []
        for position, move in enumerate(migrations):
            own = {earlier for earlier in range(position) if migrations[earlier].vm == move.vm}
            self._before.append(own)
        self._close()

    def respect(self, traffic: Traffic) -> None:
        """Let migrations that load the limit wait for what they need: those that free some of it, then newcomers."""
        for position in traffic.arriving:
            freeing = sorted(each for each in traffic.freed if each < position)
            arriving = sorted((each for each in traffic.arriving if each < position), reverse=True)
            for earlier in (*freeing, *arriving):
                if self._worst(traffic, position) <= traffic.upper:
                    break
                if earlier not in self._before[position]:
                    self._before[position].add(earlier)
                    self._close()

    def _worst(self, traffic: Traffic, position: int) -> int:
        """The most that the limit may hold when the migration at *position* begins and no later one of the plan has."""
        before = self._before[position]
        held = traffic.initial + traffic.arriving[position]
        for earlier in traffic.arriving:
            if earlier < position:
                held += traffic.resident[earlier] if earlier in before else traffic.arriving[earlier]
        return held - sum(size for freeing, size in traffic.freed.items() if freeing in before)

    def _close(self) -> None:
        """Make the relation transitive; earlier migrations are closed first."""
        for position, before in enumerate(self._before):
            for earlier in tuple(before):
                self._before[position] |= self._before[earlier]

    def reduced(self) -> tuple[tuple[int, ...], ...]:
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(len(self._before)))
        graph.add_edges_from((earlier, position) for position, before in enumerate(self._before) for earlier in before)
        direct = nx.transitive_reduction(graph)
        return tuple(tuple(sorted(direct.predecessors(position))) for position in range(len(self._before)))
