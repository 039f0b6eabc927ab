"""Which step has to wait for which: the real dependencies, so that every order that respects them is legal.

A step waits for the earlier steps of its own VM, and for every earlier step that frees something of a limit that it
loads. Why that is enough: take any moment of any order that respects it, a limit, and of the steps that have begun to
load the limit the one that stands last in the plan. All that the plan frees before that step is free by then, and
nothing is loaded that the plan does not load up to that step; so the limit holds no more than it holds in the plan's
own order, where it was checked. Newcomers may count more than residents (xapi rounds them up to whole MiB); where that
makes a difference, the step waits for earlier arrivals, too. A limit that no sum can state makes a chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import networkx as nx

from rebalancer.placement import Placement
from rebalancer.plan.search import Leg
from rebalancer.problem import Problem
from rebalancer.rules import Judged, PoolRule, Row, Rule, When


def dependencies(legs: Sequence[Leg], problem: Problem, rules: Iterable[Rule]) -> tuple[tuple[int, ...], ...]:
    """For each leg the positions of the earlier legs that it waits for, without those that follow from others."""
    limits = [
        limit
        for rule in rules
        if isinstance(rule, PoolRule) and rule.when is When.EVERY_STEP
        for limit in rule.limits(problem)
    ]
    if any(isinstance(limit, Judged) for limit in limits):
        return tuple((position - 1,) if position else () for position in range(len(legs)))
    order = _Partial(legs)
    for limit in limits:
        if isinstance(limit, Row) and limit.hard:
            order.respect(_Traffic.of(limit, legs, problem.initial))
    return order.reduced()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Traffic:
    """What legs do to one limit: by position, what each loads as a newcomer and as a resident, and what it frees."""

    upper: int
    initial: int
    arriving: dict[int, int] = field(default_factory=dict)
    resident: dict[int, int] = field(default_factory=dict)
    freed: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Row, legs: Sequence[Leg], start: Placement) -> _Traffic:
        """The traffic of *legs* over *row*."""
        initial = sum(row.weights.get(vm, 0) for vm, host in start.host_of.items() if host in row.hosts)
        traffic = cls(upper=row.upper, initial=initial)
        for position, leg in enumerate(legs):
            comes, goes = leg.target in row.hosts, leg.source in row.hosts
            if comes and not goes and row.arrival_weights.get(leg.vm, 0):
                resident = row.weights.get(leg.vm, 0)
                traffic.resident[position] = resident
                traffic.arriving[position] = max(resident, row.arrival_weights[leg.vm])
            if goes and not comes and row.weights.get(leg.vm, 0):
                traffic.freed[position] = row.weights[leg.vm]
        return traffic


class _Partial:
    """The growing relation: `_before[i]` are all positions that leg i waits for, directly or not."""

    def __init__(self, legs: Sequence[Leg]) -> None:
        self._before: list[set[int]] = []
        for position, leg in enumerate(legs):
            own = {earlier for earlier in range(position) if legs[earlier].vm == leg.vm}
            self._before.append(own)
        self._close()

    def respect(self, traffic: _Traffic) -> None:
        """Let every leg that loads the limit wait for what frees it, and for newcomers that would count too much."""
        for position in traffic.arriving:
            self._before[position] |= {freeing for freeing in traffic.freed if freeing < position}
        self._close()
        for position in traffic.arriving:
            for earlier in sorted((each for each in traffic.arriving if each < position), reverse=True):
                if self._worst(traffic, position) <= traffic.upper:
                    break
                self._before[position].add(earlier)
                self._close()

    def _worst(self, traffic: _Traffic, position: int) -> int:
        """The most that the limit may hold when the leg at *position* begins, whatever went before."""
        held = traffic.initial + traffic.arriving[position]
        for earlier in traffic.arriving:
            if earlier < position:
                done = earlier in self._before[position]
                held += traffic.resident[earlier] if done else traffic.arriving[earlier]
        return held - sum(size for freeing, size in traffic.freed.items() if freeing < position)

    def _close(self) -> None:
        """Whoever is waited for brings along what it waits for; earlier legs are closed first."""
        for position, before in enumerate(self._before):
            for earlier in tuple(before):
                self._before[position] |= self._before[earlier]

    def reduced(self) -> tuple[tuple[int, ...], ...]:
        """Only the direct dependencies."""
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(len(self._before)))
        graph.add_edges_from((earlier, position) for position, before in enumerate(self._before) for earlier in before)
        direct = nx.transitive_reduction(graph)
        return tuple(tuple(sorted(direct.predecessors(position))) for position in range(len(self._before)))
