"""What a run is given besides its plan and its pool: time, patience, and who hears of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.result import RunResult
from rebalancer.execute.stop import StopSignal
from rebalancer.plan import Plan, Step
from rebalancer.policy import ChangeWindows

Answer = TypeVar("Answer")


class Clock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The moment, in UTC: for journals, expiry and deadlines."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment, never backwards: for waiting."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait *seconds*; a signal handler runs meanwhile."""
        time.sleep(seconds)

    def during(self, blocked: Callable[[], Answer]) -> Answer:
        """What *blocked* returns, a call that waits for the pool; time passes meanwhile."""
        return blocked()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a run waits for what, in seconds.

    Args:
        poll: between two looks, where the pool tells nothing by itself.
        listen: between two looks where it does.
        deaf: before it is asked again to tell, once it would not.
        held: between two looks at a VM that is blocked or busy.
        unreachable: for a pool that does not answer to come back.
        stopping: the same, once somebody has asked to stop and no step is under way; and for any answer of it.
        memory: for a VM that a migration squeezed to have its memory back.
        quiet: how long a VM must show no migration before it counts as settled, where the task does not tell.
        retry: before the one retry of a step that was refused for a passing reason.
        step: for a migration to end, beyond `step_factor` times its estimate; then its task is cancelled.
        cancel: for a cancelled migration to end.
    """

    poll: float = 1.0
    listen: float = 15.0
    deaf: float = 60.0
    held: float = 15.0
    unreachable: float = 300.0
    stopping: float = 5.0
    memory: float = 60.0
    quiet: float = 30.0
    retry: float = 15.0
    step: float = 1800.0
    step_factor: float = 4.0
    cancel: float = 300.0

    def for_step(self, estimate: float) -> float:
        """Seconds that a migration of *estimate* seconds may take."""
        return self.step + self.step_factor * estimate


class RunReporter:
    """Hears of everything and does nothing; override what you want to show."""

    def run_began(self, plan: Plan, differences: Sequence[str]) -> None:
        """The pool was checked; *differences* are those that leave the plan legal."""

    def taken_up(self, done: Collection[str]) -> None:
        """Steps that an earlier run has made, by their ids; told where there are any."""

    def step_began(self, step: Step) -> None:
        """The look before *step* comes next."""

    def step_waits(self, step: Step, why: str) -> None:
        """Nothing can be done for *step* just now; told once a reason."""

    def step_progress(self, step: Step, progress: float) -> None:
        """The migration of *step* has got so far, 0 to 1, as XAPI estimates."""

    def step_ended(self, step: Step, looked: Looked) -> None:
        """What the pool shows after *step*."""

    def lock_told(self, words: str) -> None:
        """What is to be known of the lock in the pool: that another one was broken, that there is none, or it stays."""

    def noticed(self, step: str, words: str) -> None:
        """Something is not as it should be after *step*, "" for no single one; the run goes on."""

    def stopping(self, why: str) -> None:
        """Nothing more will be started."""

    def run_ended(self, result: RunResult) -> None:
        """The run has ended without a reason for people to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Where a run writes, until when it may last, who hears of it, and how long it waits.

    Args:
        journal: the file that is told before and after every call; it is made if it does not exist.
        state_dir: where the lock is, see `state_folder`.
        deadline: no step is started that would end later, by its estimate.
        windows: likewise, when steps may run; by default the change windows of the plan's policy.
        reporter: hears of everything.
        clock: time.
        stop: asked once, nothing more is started; asked twice, the running migration is cancelled.
        timeouts: how long to wait for what.
        break_lock: whether the lock of another run is taken away, because somebody knows that it is dead.
    """

    journal: Path
    state_dir: Path | None = None
    deadline: datetime | None = None
    windows: ChangeWindows | None = None
    reporter: RunReporter = field(default_factory=RunReporter)
    clock: Clock = field(default_factory=Clock)
    stop: StopSignal = field(default_factory=StopSignal)
    timeouts: Timeouts = field(default_factory=Timeouts)
    break_lock: bool = False
