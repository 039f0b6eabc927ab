"""Whether moves need no order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from rebalancer.placement import Migration
from rebalancer.wlb.protocol.answers import Move
from rebalancer.wlb.view import View

MOST = 6
"""Moves of which all subsets are tried."""


def migrations(moves: Sequence[Move]) -> list[Migration]:
    """The moves as the rules have them."""
    return [Migration(vm=move.vm, source=move.source, target=move.target) for move in moves]


def assert_any_order(view: View, moves: Sequence[Move]) -> None:
    """Pass where every set of the moves can be done, in whatever order, and every other one be under way then."""
    steps = migrations(moves)[:MOST]
    for count in range(len(steps) + 1):
        for done in combinations(steps, count):
            after = view.problem.initial.after(*done)
            assert view.book.violations(after, since=view.problem.initial, lasting=True) == ()
            for step in set(steps) - set(done):
                ledger = view.book.ledger(after)
                for other in set(steps) - {step, *done}:
                    ledger.join(other.vm, other.target)
                assert ledger.objections(step.vm, step.target) == ()
                assert view.book.objections(step) == ()
    whole = view.problem.initial.after(*migrations(moves))
    assert view.book.violations(whole, since=view.problem.initial) == ()
