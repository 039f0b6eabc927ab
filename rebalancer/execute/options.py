"""What a run is given besides its plan and its pool."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rebalancer.execute.clock import Clock, Timeouts
from rebalancer.execute.reporter import RunReporter
from rebalancer.execute.stop import StopSignal
from rebalancer.policy import ChangeWindows


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
    """

    journal: Path
    state_dir: Path | None = None
    deadline: datetime | None = None
    windows: ChangeWindows | None = None
    reporter: RunReporter = field(default_factory=RunReporter)
    clock: Clock = field(default_factory=Clock)
    stop: StopSignal = field(default_factory=StopSignal)
    timeouts: Timeouts = field(default_factory=Timeouts)
