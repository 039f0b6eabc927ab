"""Moves that a plan does without: what stands in the way of each once the plan is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rebalancer.describe.worth import DOES_NOT_PAY
from rebalancer.placement import Migration, Placement
from rebalancer.plan.plan import Missing
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.counterparts import crosses

LEFT_OUT = "left-out"
"""In the place of a rule: whoever approved a part of the plan left the move out."""
INCOMPLETE = "incomplete"
"""The outcome of a plan that makes a part of the moves that were found."""
NO_USE_ALONE = "may be made, but is of no use without others that are missing, too"


def missing_moves(moves: Iterable[Migration], end: Placement, book: Rulebook) -> tuple[Missing, ...]:
    """*moves* that are not made where a plan under *book* ends at *end*, sorted by the names of their VMs."""
    search = Hindrances(end, book)
    return tuple(sorted((search.of(move) for move in moves), key=lambda each: (each.vm_name, each.vm)))


def left_out(moves: Iterable[Migration], problem: Problem, reason: str) -> tuple[Missing, ...]:
    """*moves* that were left out when the plan was approved, for *reason*."""
    return tuple(_missing(move, problem, LEFT_OUT, reason) for move in moves)


def _missing(move: Migration, problem: Problem, rule: str, words: str) -> Missing:
    vm, target = problem.names.vms[move.vm], problem.names.hosts[move.target]
    return Missing(vm=move.vm, vm_name=vm, target=move.target, target_name=target, rule=rule, words=words)


class Hindrances:
    """What speaks against a further move from where a plan ends."""

    def __init__(self, end: Placement, book: Rulebook) -> None:
        self._book, self._problem = book, book.problem
        self._there = book.at(end)
        self._then = self._there.problem
        self._ledger = self._there.ledger()

    def of(self, move: Migration) -> Missing:
        """*move*, by its cheapest way, with the first thing that speaks against it."""
        rule, words = self._against_all_ways(move) or (DOES_NOT_PAY, NO_USE_ALONE)
        return _missing(move, self._problem, rule, words)

    def _against_all_ways(self, move: Migration) -> tuple[str, str] | None:
        """What speaks against the cheapest way; where none leads to another pool, what keeps the disks from going."""
        vm, host = self._then.pool.vms[move.vm], self._then.pool.hosts[move.target]
        routes = self._there.routes.routes(vm, host)
        closed = self._there.routes.why_no_disks(vm, host) if crosses(vm, host, self._then) else ()
        if closed:
            return closed[0].rule, closed[0].words
        return self.against(replace(move, disks=routes[0].disks if routes else ()))

    def against(self, move: Migration) -> tuple[str, str] | None:
        """A rule and its words: on the VM and the host, on the way, or at the end; None where *move* may be made."""
        for objection in self._there.objections(move):
            return objection.rule, objection.words
        for violation in self._ledger.objections(move.vm, move.target, move.disks):
            return violation.rule, violation.words
        there = self._then.initial.after(move)
        for violation in self._book.violations(there, since=self._problem.initial):
            return violation.rule, f"the plan could not end with it: {violation.words}"
        return None
