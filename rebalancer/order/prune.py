"""Taking out of an order what it does in vain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rebalancer.order.state import State
from rebalancer.placement import Migration


def shortened(migrations: tuple[Migration, ...], state: State) -> tuple[Migration, ...]:
    """*migrations*, legal from *state* on, without any that can be left out; *state* stays as it is."""
    before = len(migrations) + 1
    while len(migrations) < before:
        before, position = len(migrations), 0
        while position < len(migrations):
            shorter = _without(migrations, position)
            migrations, position = (
                (shorter, position) if shorter and is_legal(shorter, state) else (migrations, position + 1)
            )
    return migrations


def is_legal(migrations: Sequence[Migration], state: State) -> bool:
    """Whether the rules let *migrations* be taken from *state* on, one after another; *state* stays as it is."""
    taken: list[Migration] = []
    try:
        for move in migrations:
            if move.disks != state.disks(move.vm, move.target) or not state.allows(move.vm, move.target):
                return False
            state.move(move)
            taken.append(move)
        return True
    finally:
        for move in reversed(taken):
            state.move(move.back)


def _without(migrations: Sequence[Migration], position: int) -> tuple[Migration, ...] | None:
    """*migrations* with one left out, its VM going on from where it was; None where it is the last of its VM.

    Where the VM would then go from a host to itself, that migration is left out, too.
    """
    gone = migrations[position]
    following = next((later for later in range(position + 1, len(migrations)) if migrations[later].vm == gone.vm), None)
    if following is None:
        return None
    bridged = replace(migrations[following], source=gone.source)
    kept = [*migrations[:position], *migrations[position + 1 : following]]
    if bridged.source != bridged.target:
        kept.append(bridged)
    return (*kept, *migrations[following + 1 :])
