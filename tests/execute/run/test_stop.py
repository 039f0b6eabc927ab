"""Runs that people ask to stop: once to end well, twice to cancel."""

from __future__ import annotations

import pytest

from rebalancer.errors import (
    StoppedHalfWay,
)
from rebalancer.execute import execute
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from tests.execute.case import DOWN, STEPS, Case
from tests.execute.scripted import Script, ScriptedPool


def test_asked_once_it_ends_after_the_step_that_runs(case: Case, plan: Plan, pool: Pool) -> None:
    """Ctrl-C once: the migration under way ends well, and nothing else begins."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: case.stop.ask() if call == "task" and not case.stop.asked else None
    with pytest.raises(StoppedHalfWay, match="asked to stop") as stopped:
        execute(plan, live, case.options)
    assert (stopped.value.done, stopped.value.left) == (1, 2)
    assert live.cancelled == []
    assert case.looks == STEPS[:1]


def test_asked_twice_it_cancels_looks_and_writes(case: Case, plan: Plan, pool: Pool) -> None:
    """Ctrl-C twice: the task is cancelled once, and the journal says where the VM is."""
    live = ScriptedPool(pool, a=Script(polls=100))
    live.before_each = lambda call: case.stop.ask() if call == "task" else None
    with pytest.raises(StoppedHalfWay, match="TASK_CANCELLED"):
        execute(plan, live, case.options)
    assert live.cancelled == ["OpaqueRef:1"]
    assert case.looks == [("s01", StepState.STAYED)]


def test_asked_while_it_waits_it_sends_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """Ctrl-C while busy VMs are waited for: no call for them ever leaves."""
    live = ScriptedPool(pool)
    for vm in "abc":
        live.change(vm, current_operations=("snapshot",))
    case.clock.then = lambda _seconds: case.stop.ask()
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        execute(plan, live, case.options)
    assert live.sent == []


def test_asked_while_xapi_is_asked_it_sends_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """The last moment before the call counts, too."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: case.stop.ask() if call == "assert_may_migrate" else None
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        execute(plan, live, case.options)
    assert live.sent == []


def test_asked_at_the_last_look_it_sends_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """Nor where the pool is silent meanwhile: whoever asked in the silence was heard."""
    live, looks = ScriptedPool(pool), list[str]()

    def ask(call: str) -> None:
        looks.extend([call] if call == "whereabouts" else [])
        if len(looks) == 2 and not case.stop.asked:
            case.stop.ask()
            raise DOWN

    live.before_each = ask
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        execute(plan, live, case.options)
    assert live.sent == []
