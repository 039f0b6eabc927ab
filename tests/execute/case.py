"""What runs against a scripted pool share: VMs a, b and c, a place for the journal, a clock that sleeping moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import (
    OutcomeUnknown,
    RefusedByXapi,
    StoppedHalfWay,
    Unreachable,
)
from rebalancer.execute import RunOptions, StopSignal, Timeouts, execute, read_journal
from rebalancer.execute.journal.entries import Entry, Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from tests.execute.scripted import HandClock, ScriptedPool

DOWN = Unreachable("https://h1", "no connection", "Start it")
LOST = OutcomeUnknown("https://h1", "no answer", "Look")
TIMEOUTS = Timeouts(poll=1, held=5, unreachable=30, quiet=10, retry=15, step=300, cancel=60)


def refusal(code: str, *params: str) -> RefusedByXapi:
    """XAPI's answer."""
    return RefusedByXapi("VM.pool_migrate", code, params)


class Case:
    """A place for journal and lock, and a clock that only sleeping moves."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.stop = HandClock(), StopSignal()
        self.journal = folder / "journal.jsonl"
        self.options = RunOptions(
            journal=self.journal, state_dir=folder / "state", clock=self.clock, stop=self.stop, timeouts=TIMEOUTS
        )

    def stop_after_a_step(self, plan: Plan, live: ScriptedPool) -> None:
        """Let a run of *plan* be asked to stop once its first step is done, so that it can be resumed."""
        live.before_each = lambda call: self.stop.ask() if call == "forget" else None
        with pytest.raises(StoppedHalfWay):
            execute(plan, live, self.options)
        live.before_each = lambda _call: None
        self.options = replace(self.options, stop=StopSignal())

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What the journal of every run here says."""
        return read_journal(self.journal)

    @property
    def looks(self) -> list[tuple[str, StepState]]:
        """Step and state of every look, in order."""
        return [(each.step, each.state) for each in self.entries if isinstance(each, Looked)]


def where(live: ScriptedPool) -> dict[str, str | None]:
    """The hosts of the three VMs."""
    return {name: live.pool.vms[name].resident_on for name in "abc"}


ALL_MOVED = {"a": "h2", "b": "h3", "c": "h2"}
STEPS = [("s01", StepState.MOVED), ("s02", StepState.MOVED), ("s03", StepState.MOVED)]


def host(pool: Pool, uuid: str, **changes: Any) -> Pool:  # noqa: ANN401 - any field of a host
    """*pool* with another host."""
    return replace(pool, hosts={**pool.hosts, uuid: replace(pool.hosts[uuid], **changes)})
