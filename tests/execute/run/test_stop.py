"""Runs that people ask to stop: once to end well, twice to cancel."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from rebalancer.errors import (
    StoppedHalfWay,
)
from rebalancer.execute import StopSignal, execute, resume
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from rebalancer.simulator import Simulator
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.xapi import Trust, live_pool
from tests.execute.case import DOWN, STEPS, TIMEOUTS, Case
from tests.execute.scripted import Script, ScriptedPool, plan_of
from tests.execute.stage import KEYS, POOL, Stage, some_moves
from tests.execute.stage import TIMEOUTS as REAL


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


@pytest.mark.parametrize("since", ["read", "add_to_pool", "whereabouts", "assert_may_migrate"])
def test_asked_in_a_silence_with_nothing_under_way_it_waits_for_seconds(
    case: Case, plan: Plan, pool: Pool, since: str
) -> None:
    """Not for the minutes that migrations are watched through; the sentence says both, and no answer may take long."""
    live = ScriptedPool(pool)

    def ask(call: str) -> None:
        if call == since and not case.stop.asked:
            case.stop.ask()
        if case.stop.asked:
            raise DOWN

    live.before_each = ask
    with pytest.raises(StoppedHalfWay, match=r"asked to stop; the pool does not answer \(no connection\)") as stopped:
        execute(plan, live, case.options)
    assert ("Nothing was sent" in str(stopped.value)) == (since == "read") == (not case.journal.exists())
    assert case.clock.seconds == TIMEOUTS.stopping
    assert set(live.hurried) == {TIMEOUTS.stopping}
    assert live.sent == []


def test_asked_in_a_silence_with_a_step_under_way_it_watches_on(case: Case, plan: Plan, pool: Pool) -> None:
    """As long as without the request; the step is named to whoever asks, and no answer is hurried."""
    live, named = ScriptedPool(pool, a=Script(polls=100)), list[str]()

    def ask(call: str) -> None:
        if call == "task" and not case.stop.asked:
            named.extend(case.stop.under_way())
            case.stop.ask()
        if case.stop.asked and call in {"task", "whereabouts"}:
            raise DOWN

    live.before_each = ask
    with pytest.raises(StoppedHalfWay, match="no connection"):
        execute(plan, live, case.options)
    assert named == ["s01"]
    assert case.clock.seconds >= TIMEOUTS.unreachable
    assert case.looks == [("s01", StepState.UNKNOWN)]
    assert case.stop.under_way() == []


def test_asked_once_again_after_a_kill_it_still_watches(case: Case, plan: Plan, pool: Pool) -> None:
    """What an earlier run has sent is under way from the first look on."""
    live = ScriptedPool(pool, a=Script(polls=100))
    live.before_each = lambda call: signal.raise_signal(signal.SIGINT) if call == "task" else None
    with pytest.raises(KeyboardInterrupt):
        execute(plan, live, case.options)
    live.before_each = lambda _call: named.append(list(case.stop.under_way()))
    named: list[list[str]] = []
    case.stop.ask()
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        resume(plan, live, case.options)
    assert named[0] == ["s01"]
    assert case.looks == STEPS[:1]
    assert len(live.sent) == 1


def test_asked_while_an_answer_is_waited_for_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A coordinator that took the question and never answers holds no run up."""
    stop, call = StopSignal(), Dispatcher.call

    def asked(self: Dispatcher, host: str, method: str, params: list[Any]) -> tuple[str, Any]:
        if method == "event.from" and not stop.asked:
            stop.ask()
        return call(self, host, method, params)

    def carry_out() -> None:
        try:
            stage.run(stop=stop, timeouts=replace(REAL, stopping=0.05))
        except StoppedHalfWay as stopped:
            ends.append(str(stopped))

    ends: list[str] = []
    with (
        Simulator(POOL, login_delay=0.0) as simulator,
        live_pool(simulator.url, KEYS, Trust(), timeout_seconds=3600.0) as live,
    ):
        plan = plan_of(live.read(), *some_moves(live.read())[:1])
        stage = Stage(simulator=simulator, live=live, plan=plan, folder=tmp_path, calls=[])
        monkeypatch.setattr(Dispatcher, "call", asked)
        simulator.faults.add("no-answer", times=-1, method="VM.get_all_records", seconds=3600.0)
        simulator.faults.add("no-answer", times=-1, method="event.from", seconds=3600.0)
        run = Thread(target=carry_out, daemon=True)
        run.start()
        run.join(60)
        simulator.faults.clear()
    assert ["asked to stop; the pool does not answer" in each for each in ends] == [True]
