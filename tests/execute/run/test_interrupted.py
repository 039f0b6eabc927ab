"""Ctrl-C in a program that uses the library, where nobody asks a run to stop in order."""

from __future__ import annotations

import signal

import pytest

from rebalancer.execute import StepState, execute, resume
from rebalancer.execute.journal.entries import Intended, Sent
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from tests.execute.case import Case
from tests.execute.scripted import ScriptedPool


def test_a_call_that_has_left_is_written_down(case: Case, plan: Plan, pool: Pool) -> None:
    """The interrupt in the middle of the call comes after its line in the journal; the plan goes on from there."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: signal.raise_signal(signal.SIGINT) if call == "migrate" else None
    with pytest.raises(KeyboardInterrupt):
        execute(plan, live, case.options)
    assert [type(each) for each in case.entries][-2:] == [Intended, Sent]
    live.before_each = lambda _call: None
    assert resume(plan, live, case.options).complete
    assert [state for _, state in case.looks] == [StepState.MOVED] * 3
    assert len(live.sent) == 3
