"""Runs through the real live pool against the simulator, with everything that goes wrong on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rebalancer.errors import PoolLocked, StalePlan, StoppedHalfWay
from rebalancer.execute import RunReporter, StopSignal, pool_lock, read_journal, resume
from rebalancer.execute.journal.entries import RunEnded, Sent
from rebalancer.execute.journal.outcome import StepState
from rebalancer.plan import Step
from rebalancer.simulator import Simulator
from rebalancer.xapi import Trust, live_pool
from tests.execute.scripted import plan_of
from tests.execute.stage import KEYS, POOL, STEPS, Stage, arguments, some_moves
from tests.pools import policy_of

SPEED = 20.0
STILL = 0.01
"""The speed of a simulator in which no migration ends while a test looks."""
DEAD_STILL = 1e-9
"""The speed of one in which nothing is ever told of a migration."""


@pytest.fixture
def stage(tmp_path: Path, calls: list[str]) -> Iterator[Stage]:
    """Four hosts, and three moves that are legal one after another; each takes about a quarter of a second."""
    with (
        Simulator(POOL, speed=SPEED, login_delay=0.0) as simulator,
        live_pool(simulator.url, KEYS, Trust()) as live,
    ):
        pool = live.read()
        plan = plan_of(
            pool, *some_moves(pool), policy=policy_of(limits={"concurrent": 1}, execution={"stop_after_failures": 1})
        )
        yield Stage(simulator=simulator, live=live, plan=plan, folder=tmp_path, calls=calls)


def test_moves_happen(stage: Stage) -> None:
    """Every VM is on its target, asked for once, with no task left, and the journal ends well."""
    result = stage.run()
    assert result.complete
    assert result.differences == ()
    assert stage.arrived() == [True] * STEPS
    assert stage.migrations == STEPS
    assert stage.simulator.database.all("task") == {}
    assert isinstance(read_journal(stage.journal)[-1], RunEnded)


def test_a_connection_that_is_reset_after_the_call_was_taken_sends_nothing_again(stage: Stage) -> None:
    """XAPI took the call, the answer is lost: the VM is watched, found on its target, and the run goes on."""
    stage.simulator.faults.add("connection-reset", method="Async.VM.pool_migrate", skip=1)
    assert stage.run().complete
    assert stage.arrived() == [True] * STEPS
    assert stage.migrations == STEPS
    assert len([each for each in read_journal(stage.journal) if isinstance(each, Sent)]) == STEPS - 1


@pytest.mark.parametrize(("outcome", "moved"), [("moved", True), ("stayed", False)])
def test_a_toolstack_restart_is_looked_through(stage: Stage, outcome: str, moved: bool) -> None:
    """All tasks are cancelled and all sessions end: what counts is where the VM is."""
    stage.simulator.faults.add("toolstack-restart", vm=stage.plan.steps[0].vm, at=0.5, outcome=outcome)
    if moved:
        assert stage.run().complete
        assert stage.arrived() == [True] * STEPS
    else:
        with pytest.raises(StoppedHalfWay, match="still runs on"):
            stage.run()
        assert stage.arrived() == [False] * STEPS
    assert stage.migrations == (STEPS if moved else 1)


def test_a_vm_that_halts_on_the_way_stops_the_run(stage: Stage) -> None:
    """The VM is off: nothing is started again, nothing more is moved."""
    stage.simulator.faults.add("vm-halts", vm=stage.plan.steps[1].vm, at=0.5)
    with pytest.raises(StoppedHalfWay, match="the VM is halted"):
        stage.run()
    assert stage.looked() == [StepState.MOVED, StepState.HALTED]
    assert stage.migrations == 2


def test_a_vm_moved_by_somebody_else_stops_the_run(stage: Stage) -> None:
    """Between steps 1 and 2 somebody moves the VM of step 2 to a third host."""
    first, second = stage.plan.steps[:2]
    third = next(host for host in stage.simulator.urls if host not in {second.source, second.target})
    stage.simulator.faults.add("other-actor", vm=first.vm, other=second.vm, to=third)
    with pytest.raises(StoppedHalfWay, match="where this plan did not send it") as stopped:
        stage.run()
    assert (stopped.value.done, stage.migrations) == (1, 1)


def test_a_host_that_is_disabled_mid_plan_stops_the_run(stage: Stage) -> None:
    """The target of the last step is disabled after the first: the second is not started."""
    first, *_, last = stage.plan.steps
    stage.simulator.faults.add("host-disabled", vm=first.vm, host=last.target)
    with pytest.raises(StoppedHalfWay, match="is disabled"):
        stage.run()
    assert (stage.migrations, stage.arrived()) == (1, [True, False, False])


def test_a_host_that_is_disabled_before_makes_the_plan_stale(stage: Stage) -> None:
    """Preflight sees it: nothing is sent."""
    database = stage.simulator.database
    database.change("host", database.by_uuid("host", stage.plan.steps[2].target), enabled=False)
    with pytest.raises(StalePlan, match="is disabled"):
        stage.run()
    assert (stage.migrations, stage.journal.exists()) == (0, False)


def test_a_late_failure_leaves_the_vm_and_stops(stage: Stage) -> None:
    """The stream breaks: the VM runs on its source, and it is not tried again."""
    stage.simulator.faults.add("move-fails", vm=stage.plan.steps[0].vm, at=0.5)
    with pytest.raises(StoppedHalfWay, match="VM_MIGRATE_FAILED"):
        stage.run()
    assert (stage.migrations, stage.looked()) == (1, [StepState.STAYED])


def test_a_passing_failure_is_tried_once_more(stage: Stage) -> None:
    """A VM that would not balloon moves at the second try."""
    vm = stage.plan.steps[0].vm
    stage.simulator.faults.add("move-fails", vm=vm, at=0.2, code="VMS_FAILED_TO_COOPERATE", params=vm)
    assert stage.run().complete
    assert stage.migrations == STEPS + 1
    assert stage.looked()[:2] == [StepState.STAYED, StepState.MOVED]


def test_a_session_that_expires_is_no_reason_to_stop(stage: Stage) -> None:
    """Calls that were turned away unread are made in a new session."""
    stage.simulator.faults.add("session-expires", method="task.get_record", skip=3)
    stage.simulator.faults.add("session-expires", method="VM.pool_migrate", skip=1)
    assert stage.run().complete
    assert stage.arrived() == [True] * STEPS


class Interrupter(RunReporter):
    """Asks to stop as often as *times* once a migration is under way, and none ends before; then does *then*."""

    def __init__(self, stage: Stage, times: int, then: Callable[[], None] = lambda: None) -> None:
        self.stop, self.times, self.then = StopSignal(), times, then
        stage.simulator.world.speed = STILL

    def step_progress(self, step: Step, progress: float) -> None:  # noqa: ARG002 - the interface's
        """Ask, up to `times` times."""
        if progress > 0 and self.stop.asked < self.times:
            self.stop.ask()
            if self.stop.asked == self.times:
                self.then()


def go_on(stage: Stage) -> None:
    """Let migrations end."""
    stage.simulator.world.speed = SPEED


def test_asked_once_the_running_migration_ends_well(stage: Stage) -> None:
    """Ctrl-C once, then resume: three migrations in all."""
    asks = Interrupter(stage, 1, then=lambda: go_on(stage))
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        stage.run(stop=asks.stop, reporter=asks)
    assert (stage.migrations, stage.arrived()) == (1, [True, False, False])
    assert stage.run(resume).complete
    assert (stage.migrations, stage.arrived()) == (STEPS, [True] * STEPS)


def test_asked_twice_the_running_migration_is_cancelled(stage: Stage) -> None:
    """Ctrl-C twice: the VM stays where it was, and resume can go on."""
    asks = Interrupter(stage, 2)
    with pytest.raises(StoppedHalfWay, match="it was cancelled, as somebody asked"):
        stage.run(stop=asks.stop, reporter=asks)
    assert (stage.arrived(), stage.looked()) == ([False] * STEPS, [StepState.STAYED])
    go_on(stage)
    assert stage.run(resume).complete


def test_drift_that_leaves_the_plan_legal_goes_on(stage: Stage) -> None:
    """A VM that stops meanwhile and is no part of the plan is reported, nothing else."""
    moving = {step.vm for step in stage.plan.steps}
    other = next(vm for vm in stage.live.read().resident_guests() if vm.uuid not in moving)
    database = stage.simulator.database
    ref = database.by_uuid("VM", other.uuid)
    database.change("VM", ref, power_state="Halted", resident_on="OpaqueRef:NULL", domid="-1")
    result = stage.run()
    assert result.complete
    assert result.differences == (
        f"VM {other.name} does not run any more; it was on {host_of(stage, other.resident_on)}",
    )


def host_of(stage: Stage, uuid: str | None) -> str:
    """The name of a host."""
    return stage.live.read().hosts[str(uuid)].name


def test_two_runs_at_once(stage: Stage) -> None:
    """A second run of the same pool is refused before it looks at anything."""
    with pool_lock(stage.plan.made_from.pool, stage.folder / "state"):
        command = [sys.executable, "-c", START, *arguments(stage)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert PoolLocked.__name__ in run.stderr
    assert stage.migrations == 0


START = """
import os, sys
from pathlib import Path
from rebalancer.execute import RunOptions, execute, stop_on_signals
from rebalancer.export import read_plan
from rebalancer.xapi import Credentials, Trust, live_pool
from tests.execute.stage import TIMEOUTS, StoppedClock

def heard(wish, under_way):
    os.write(2, b"heard\\n")

plan, url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
key = Credentials(user="root", password="simulator")
with live_pool(url, key, Trust()) as live, stop_on_signals(tell=heard) as stop:
    execute(read_plan(Path(plan)), live, RunOptions(journal=folder / "journal.jsonl", state_dir=folder / "state",
            clock=StoppedClock(), timeouts=TIMEOUTS, stop=stop))
"""


def start(stage: Stage, first: str = "") -> subprocess.Popen[str]:
    """A process that carries the plan out, once its first migration is under way; it begins with the lines *first*."""
    command = [sys.executable, "-c", first + START, *arguments(stage)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not stage.migrations or not stage.journal.exists() or b'"sent"' not in stage.journal.read_bytes():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.01)
    return process


def test_kill_9_in_the_middle_of_a_step_then_resume(stage: Stage) -> None:
    """The migration goes on without its runner; resume finds it, sends nothing twice, and finishes the plan."""
    stage.simulator.world.speed = STILL
    with start(stage) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert stage.looked() == []
        go_on(stage)
        assert stage.run(resume).complete
    assert (stage.migrations, stage.arrived()) == (STEPS, [True] * STEPS)
    assert stage.looked() == [StepState.MOVED] * STEPS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_running_migration_end(stage: Stage, number: signal.Signals) -> None:
    """Ctrl-C, SIGTERM: one VM has moved, the run says that it was asked to stop, the journal ends in order."""
    stage.simulator.world.speed = STILL
    with start(stage) as process:
        process.send_signal(number)
        assert process.stderr
        assert process.stderr.readline() == "heard\n"
        go_on(stage)
        _, said = process.communicate(timeout=120)
    assert "asked to stop" in said
    assert (stage.migrations, stage.arrived()) == (1, [True, False, False])
    assert stage.looked() == [StepState.MOVED]
    assert isinstance(read_journal(stage.journal)[-1], RunEnded)


NEVER_LOOKS = """
import tests.execute.stage as stage
from dataclasses import replace
from rebalancer.xapi.reading import listening
listening.LONGEST_SECONDS = 1e6
stage.TIMEOUTS = replace(stage.TIMEOUTS, listen=1e6, step=1e6)
"""


def wait_until_it_listens(stage: Stage, calls: int) -> None:
    """Wait until the run has asked for news so often since it sent its migration, and waits for them."""
    until = time.monotonic() + 120
    while True:
        since = stage.calls[stage.calls.index("Async.VM.pool_migrate") :]
        if since.count("event.from") >= calls and since[-1] == "event.from":
            return
        assert time.monotonic() < until
        time.sleep(0.01)


def test_two_signals_end_a_call_that_waits_for_news(stage: Stage) -> None:
    """Ctrl-C twice while the pool is listened to, which would tell nothing for days: the task is cancelled."""
    stage.simulator.world.speed = DEAD_STILL
    with start(stage, NEVER_LOOKS) as process:
        assert process.stderr
        for calls in (3, 5):  # the first call of a login is answered at once
            wait_until_it_listens(stage, calls)
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline() == "heard\n"
        _, said = process.communicate(timeout=120)
    assert "it was cancelled, as somebody asked" in said
    assert (stage.arrived(), stage.looked()) == ([False] * STEPS, [StepState.STAYED])
