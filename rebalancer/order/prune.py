"""Taking out of an order what it does in vain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rebalancer.order.state import State
from rebalancer.placement import Move
from rebalancer.plan.leg import Leg


def shortened(legs: tuple[Leg, ...], state: State) -> tuple[Leg, ...]:
    """*legs*, legal from *state* on, without those that can be left out, until none can; *state* stays as it is."""
    before = len(legs) + 1
    while len(legs) < before:
        before, position = len(legs), 0
        while position < len(legs):
            shorter = _without(legs, position)
            legs, position = (shorter, position) if shorter and is_legal(shorter, state) else (legs, position + 1)
    return legs


def is_legal(legs: Sequence[Leg], state: State) -> bool:
    """Whether the rules let *legs* be taken from *state* on, one after another; *state* stays as it is."""
    taken: list[Move] = []
    try:
        for leg in legs:
            if leg.disks != state.disks(leg.vm, leg.target) or not state.allows(leg.vm, leg.target):
                return False
            state.move(leg.move)
            taken.append(leg.move)
        return True
    finally:
        for move in reversed(taken):
            state.move(move.back)


def _without(legs: Sequence[Leg], position: int) -> tuple[Leg, ...] | None:
    """*legs* with one left out, its VM going on from where it was; None where it is the last of its VM.

    Where the VM would then go from a host to itself, that leg is left out, too.
    """
    gone = legs[position]
    following = next((later for later in range(position + 1, len(legs)) if legs[later].vm == gone.vm), None)
    if following is None:
        return None
    bridged = replace(legs[following], source=gone.source)
    kept = [*legs[:position], *legs[position + 1 : following]]
    if bridged.source != bridged.target:
        kept.append(bridged)
    return (*kept, *legs[following + 1 :])
