"""What can become of a step, and which state may follow which.

The states come from what the pool shows (`power_state`, `resident_on`), never from a task alone: a task can fail
although the VM has moved, and vanish although it has not (XAPI.md 4.3 and 4.6).
"""

from __future__ import annotations

from enum import StrEnum


class StepState(StrEnum):
    """Where a step stands; docs/execution.md says what each state means."""

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


_SEEN = frozenset({StepState.MOVED, StepState.STAYED, StepState.HALTED, StepState.ELSEWHERE, StepState.UNKNOWN})

TRANSITIONS = {
    StepState.WAITING: _SEEN - {StepState.STAYED} | {StepState.INTENDED, StepState.REFUSED},
    StepState.INTENDED: _SEEN | {StepState.SENT, StepState.UNSENT, StepState.REFUSED},
    StepState.SENT: _SEEN | {StepState.REFUSED},
    StepState.UNSENT: _SEEN | {StepState.INTENDED, StepState.REFUSED},
    StepState.REFUSED: _SEEN | {StepState.INTENDED, StepState.REFUSED},
    StepState.STAYED: _SEEN | {StepState.INTENDED, StepState.REFUSED},
    StepState.UNKNOWN: _SEEN | {StepState.UNSENT, StepState.REFUSED},
    StepState.HALTED: _SEEN,
    StepState.ELSEWHERE: _SEEN,
    StepState.MOVED: frozenset(),
}
"""What may follow what. From UNKNOWN and from INTENDED no way leads straight to a second call: it is settled first."""

FAILED = frozenset({StepState.REFUSED, StepState.STAYED})
"""States of a step that XAPI did not make, and that left its VM where it was."""

UNSETTLED = frozenset({StepState.INTENDED, StepState.SENT, StepState.UNKNOWN})
"""States in which a call may be under way that nobody watches."""


def may_follow(before: StepState, after: StepState) -> bool:
    """Whether a step in state *before* may come into state *after*."""
    return after in TRANSITIONS[before]
