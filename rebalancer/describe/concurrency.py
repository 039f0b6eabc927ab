"""Whether every order that the steps' `after` allows is legal, however many of them run at once.

For each limit and each step that loads it, the fullest state in which that step can begin is found: a set of begun and
done steps that `after` allows. That is a closure of greatest weight in a graph, so a minimum cut finds it exactly
(Picard, Maximal closure of a graph, Management Science 22, 1976). No code is shared with what made the relations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import networkx as nx

from rebalancer.inventory import Uuid
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.step import Step
from rebalancer.rules import PoolRule, Row, Rule, Rulebook, StateLimit

Node = str | tuple[str, str]

IN_SOME_ORDER = "in some order that its relations allow"
SAME_VM = "after"
"""In the place of a rule: a step does not wait for an earlier one of its VM."""


def clashes(steps: Sequence[Step], book: Rulebook) -> Iterator[Finding]:
    """Steps of one plan that some allowed order lets begin too early; *book* is of the pool before all of them."""
    ancestors, there = ancestors_of(steps), book.problem.initial.holders_by_place()
    yield from _own_vm(steps, ancestors)
    for bound in book.lasting:
        limit = bound.limit
        if isinstance(limit, Row) and limit.hard:
            yield from _Loads(limit, steps, ancestors, there).clashes(bound.rule)
        elif isinstance(limit, StateLimit):
            yield from _unchained(steps, ancestors, bound.rule)


def ancestors_of(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """For each step all that have to be done before it begins; references to steps that are not there count nothing."""
    found: dict[str, frozenset[str]] = {}
    for step in steps:
        known = [each for each in step.after if each in found]
        found[step.id] = frozenset(known).union(*(found[each] for each in known))
    return found


def highest(
    row: Row, steps: Sequence[Step], ancestors: Mapping[str, frozenset[str]], there: Mapping[Uuid, Sequence[Uuid]]
) -> int:
    """The most that *row* can hold at any moment of any order that the relations of *steps* allow.

    At the start, places hold what is *there*.
    """
    return _Loads(row, steps, ancestors, there).highest()


def _own_vm(steps: Sequence[Step], ancestors: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    last: dict[str, str] = {}
    for step in steps:
        if step.vm in last and last[step.vm] not in ancestors[step.id]:
            words = f"does not wait for {last[step.vm]}, a step of the same VM"
            yield _clash(step.id, SAME_VM, words, FindingKind.FORM)
        last[step.vm] = step.id


def _unchained(steps: Sequence[Step], ancestors: Mapping[str, frozenset[str]], rule: Rule) -> Iterator[Finding]:
    """A limit that no sum can state was checked in one order only."""
    for earlier, step in pairwise(steps):
        if earlier.id not in ancestors[step.id]:
            yield _clash(step.id, rule.id, f"does not wait for {earlier.id}, before which it was not checked")


def _clash(step: str, rule: str, words: str, kind: FindingKind = FindingKind.ILLEGAL) -> Finding:
    return Finding(kind=kind, step=step, state=IN_SOME_ORDER, rule=rule, words=words)


class _Loads:
    """What the steps do to one limit."""

    def __init__(
        self,
        row: Row,
        steps: Sequence[Step],
        ancestors: Mapping[str, frozenset[str]],
        there: Mapping[Uuid, Sequence[Uuid]],
    ) -> None:
        self._row, self._ancestors = row, ancestors
        weights = row.weights.resident
        self._initial = sum(weights.get(holder, 0) for place in row.places for holder in there.get(place, ()))
        self._begun: dict[str, int] = {}
        self._done: dict[str, int] = {}
        for step in steps:
            for holder, source, target in step.migration.transfers:
                if (source in row.places) != (target in row.places):
                    self._enter(step.id, holder, comes=target in row.places)

    def _enter(self, step: str, holder: Uuid, *, comes: bool) -> None:
        resident = self._row.weights.resident.get(holder, 0)
        arriving = self._row.weights.arrival.get(holder, 0) if comes else 0
        self._begun[step] = self._begun.get(step, 0) + arriving
        self._done[step] = self._done.get(step, 0) + (resident - arriving if comes else -resident)

    def clashes(self, rule: PoolRule) -> Iterator[Finding]:
        for step, arriving in self._begun.items():
            if arriving and (fullest := self._fullest(step)) > self._row.most:
                yield _clash(step, rule.id, f"may begin too early: {self._row.words(fullest)}")

    def highest(self) -> int:
        return self._initial + self._closure(tuple(self._begun))

    def _fullest(self, step: str) -> int:
        """The most that the limit can hold just after *step* has begun."""
        before = self._ancestors[step]
        held = (
            self._initial
            + self._begun[step]
            + sum(self._begun[each] + self._done[each] for each in before & self._begun.keys())
        )
        free = [
            each for each in self._begun if each != step and each not in before and step not in self._ancestors[each]
        ]
        highest = held + sum(max(0, self._begun[each], self._begun[each] + self._done[each]) for each in free)
        return highest if highest <= self._row.most else held + self._closure(free)

    def _closure(self, free: Sequence[str]) -> int:
        """The most that steps which may run before, beside or after the one in question can add."""
        graph: nx.DiGraph[Node] = nx.DiGraph()
        graph.add_nodes_from(("source", "sink"))
        positive = 0
        for step in free:
            positive += _attach(graph, ("begun", step), self._begun[step]) + _attach(
                graph, ("done", step), self._done[step]
            )
            graph.add_edge(("done", step), ("begun", step))
            for earlier in self._ancestors[step].intersection(free):
                graph.add_edge(("begun", step), ("done", earlier))
        return positive - int(nx.minimum_cut_value(graph, "source", "sink"))


def _attach(graph: nx.DiGraph[Node], node: tuple[str, str], weight: int) -> int:
    """Enter a node of a closure with its weight; what it can add at most."""
    if weight > 0:
        graph.add_edge("source", node, capacity=weight)
    elif weight < 0:
        graph.add_edge(node, "sink", capacity=-weight)
    return max(0, weight)
