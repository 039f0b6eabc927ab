"""States of a step."""

from __future__ import annotations

from rebalancer.execute.journal.outcome import TRANSITIONS, UNSETTLED, StepState, may_follow
from rebalancer.execute.judge.advice import NEXT_STEPS


def test_every_state_has_its_followers() -> None:
    """No state is left without a row in the table."""
    assert set(TRANSITIONS) == set(StepState)


def test_no_second_call_while_the_first_is_open() -> None:
    """Nothing leads from a call whose outcome is unknown to another call."""
    assert not any(may_follow(state, StepState.INTENDED) for state in UNSETTLED)


def test_done_is_done() -> None:
    """A step that is done is never begun again."""
    assert not TRANSITIONS[StepState.MOVED]


def test_nothing_is_sent_without_an_intent() -> None:
    """Only a step whose intent is written can be sent."""
    assert {state for state in StepState if may_follow(state, StepState.SENT)} == {StepState.INTENDED}


def test_each_bad_end_has_its_own_next_step() -> None:
    """Refused, unreachable, failed late, halted, elsewhere and unknown advise six different things."""
    ends = set(StepState) - {StepState.WAITING, StepState.INTENDED, StepState.SENT, StepState.MOVED}
    assert set(NEXT_STEPS) == ends
    assert len(set(NEXT_STEPS.values())) == len(ends)
