"""Proof that a VM can never arrive: however all VMs are packed, its last host has no room for one as large."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.placement import Migration
from rebalancer.rules import Rulebook
from rebalancer.rules.core.capacity import CapacityRow

QUESTIONS = 24
"""How many moves are looked into, those of the largest VMs first."""


def never_arrives(book: Rulebook, moves: Sequence[Migration]) -> tuple[Migration, str] | None:
    """One of *moves* that no order of whatever migrations can end with, and the rule that holds it; None if none is.

    When a VM arrives, it still holds its former host, and every other VM holds some host. Where no such packing exists
    even if any VM could be on any host, there is no order, hops and bystanders included.
    """
    problem, vms = book.problem, list(book.problem.initial)
    kinds = book.capacity(vms)
    numbers = {host: number for number, host in enumerate(problem.pool.hosts)}
    room = [kind.room([numbers[problem.initial[vm]] for vm in vms]) for kind in kinds]
    if any(left < 0 for each in room for left in each):
        return None
    index = {vm: number for number, vm in enumerate(vms)}
    asked: set[object] = set()
    for move in sorted(moves, key=lambda each: (-kinds[0].arrival[index[each.vm]] if kinds else 0, each.vm)):
        vm, target = index[move.vm], numbers[move.target]
        question = (target, tuple((kind.resident[vm], kind.arrival[vm]) for kind in kinds))
        crowded = any(kind.arrival[vm] > left[target] for kind, left in zip(kinds, room, strict=True))
        if not crowded or question in asked or len(asked) == QUESTIONS:
            continue
        asked.add(question)
        if _no_packing(kinds, vm, target):
            return move, kinds[0].rule
    return None


def _no_packing(kinds: Sequence[CapacityRow], vm: int, target: int) -> bool:
    from rebalancer.solve.exact.packing import cannot_fit  # noqa: PLC0415 - plans are read and verified without the solver

    items = [tuple(kind.resident[each] for kind in kinds) for each in range(len(kinds[0].resident))]
    room = [
        [upper - (kind.arrival[vm] if host == target else 0) for host, upper in enumerate(kind.upper)] for kind in kinds
    ]
    return cannot_fit(items, room, barred=[(vm, target)])
