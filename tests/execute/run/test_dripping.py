"""A coordinator whose answers never end, in the middle of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rebalancer.errors import StoppedHalfWay
from rebalancer.execute import RunReporter, StopSignal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.plan import Step
from rebalancer.simulator import Simulator
from rebalancer.xapi import Trust, live_pool
from rebalancer.xapi.wire import connection
from tests.execute.scripted import plan_of
from tests.execute.stage import KEYS, POOL, TIMEOUTS, Stage, StoppedClock, some_moves

STILL = 0.01
"""The speed of a simulator in which no migration ends while a test looks."""
LATE = replace(TIMEOUTS, unreachable=0.1)


@pytest.fixture
def stage(tmp_path: Path, calls: list[str]) -> Iterator[Stage]:
    """A pool, and a migration that takes its time."""
    with (
        Simulator(POOL, speed=STILL, login_delay=0.0) as simulator,
        live_pool(simulator.url, KEYS, Trust()) as live,
    ):
        plan = plan_of(live.read(), *some_moves(live.read())[:1])
        yield Stage(simulator=simulator, live=live, plan=plan, folder=tmp_path, calls=calls)


class Impatient(RunReporter):
    """Lets every answer drip as soon as the migration is seen, waits for a moment only, and asks so often to stop."""

    def __init__(self, stage: Stage, stop: StopSignal, times: int, patch: pytest.MonkeyPatch) -> None:
        self.stage, self.stop, self.times, self.patch = stage, stop, times, patch
        self.begun = False

    def step_progress(self, step: Step, progress: float) -> None:  # noqa: ARG002 - a reporter's
        """A migration runs."""
        if not self.begun:
            self.begun = True
            self.stage.simulator.faults.add("dripping", times=-1)
            self.patch.setattr(connection, "PATIENCE_FACTOR", 0.01)
            for _ in range(self.times):
                self.stop.ask()


@pytest.mark.parametrize("times", [0, 1, 2])
def test_answers_that_never_end_are_given_up(stage: Stage, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether nobody asks to stop, once or twice: the run ends, and the step is unknown."""
    stop = StopSignal()
    with pytest.raises(StoppedHalfWay, match="no answer in time"):
        stage.run(reporter=Impatient(stage, stop, times, monkeypatch), stop=stop, timeouts=LATE, clock=StoppedClock())
    assert stage.looked() == [StepState.UNKNOWN]
    assert stage.migrations == 1
    stage.simulator.faults.clear()
