"""What can become of a step, and which state may follow which.

The states come from what the pool shows (`power_state`, `resident_on`), never from a task alone: a task can fail
although the VM has moved, and vanish although it has not (XAPI.md 4.3 and 4.6).
"""

from __future__ import annotations

from enum import StrEnum


class StepState(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    INTENDED = "intended"
    SENT = "sent"
    UNSENT = "unsent"
    REFUSED = "refused"
    STAYED = "stayed"
    MOVED = "moved"
    HALTED = "halted"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


MEANINGS = {
    StepState.WAITING: "not begun",
    StepState.INTENDED: "about to be sent; after a crash nobody but the pool knows whether it was",
    StepState.SENT: "XAPI has accepted the call and given it a task",
    StepState.UNSENT: "the pool could not be reached, so nothing was sent; the VM is where it was",
    StepState.REFUSED: "XAPI said no before anything began; the VM is where it was",
    StepState.STAYED: "the migration began and failed; the VM still runs on its source",
    StepState.MOVED: "the VM runs on its target, with the disks that were to go along",
    StepState.HALTED: "the VM does not run any more",
    StepState.ELSEWHERE: "the VM, or a disk that was to go along, is where the step does not lead",
    StepState.UNKNOWN: "the pool does not tell in time where the VM runs",
}

_SEEN = frozenset({StepState.MOVED, StepState.STAYED, StepState.HALTED, StepState.ELSEWHERE, StepState.UNKNOWN})

TRANSITIONS = {
    StepState.WAITING: _SEEN - {StepState.STAYED} | {StepState.INTENDED, StepState.REFUSED},
    StepState.INTENDED: _SEEN | {StepState.SENT, StepState.UNSENT, StepState.REFUSED},
    StepState.SENT: _SEEN | {StepState.REFUSED},
    StepState.UNSENT: _SEEN | {StepState.INTENDED, StepState.REFUSED},
    StepState.REFUSED: _SEEN | {StepState.INTENDED, StepState.REFUSED},
    StepState.STAYED: _SEEN | {StepState.INTENDED, StepState.REFUSED},
    StepState.UNKNOWN: _SEEN | {StepState.REFUSED},
    StepState.HALTED: _SEEN,
    StepState.ELSEWHERE: _SEEN,
    StepState.MOVED: frozenset(),
}
"""What may follow what. From UNKNOWN and from INTENDED no way leads to a second call: only the pool can settle them."""

UNSETTLED = frozenset({StepState.INTENDED, StepState.SENT, StepState.UNKNOWN})
"""States in which a call may be under way that nobody watches."""


def may_follow(before: StepState, after: StepState) -> bool:
    """Whether a step in state *before* may come into state *after*."""
    return after in TRANSITIONS[before]
