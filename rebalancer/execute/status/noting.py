"""A reporter that leaves notes of its run for whoever looks from outside, and tells another one all the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from rebalancer.execute.claim.holder import Holder
from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.options import Clock, RunReporter
from rebalancer.execute.result import RunResult
from rebalancer.execute.status.notes import Notes, PlanOrigin, copy_path, keep, write_notes
from rebalancer.export import plan_json
from rebalancer.plan import Plan, Step

EVERY: Final = 2.0
"""Seconds between two notes of nothing but progress."""


class Noting(RunReporter):
    """Notes what a run tells *to*.

    Args:
        to: hears of everything, too.
        journal: the file that the run writes to.
        state_dir: the folder for notes.
        clock: time.
        origin: where the plan comes from.
    """

    def __init__(
        self, to: RunReporter, *, journal: Path, state_dir: Path | None, clock: Clock, origin: PlanOrigin | None = None
    ) -> None:
        self._to, self._journal, self._state_dir = to, journal, state_dir
        self._clock, self._origin = clock, origin or PlanOrigin()
        self._notes: Notes | None = None
        self._progress: dict[str, float] = {}
        self._waits: dict[str, str] = {}
        self._written = 0.0

    def run_began(self, plan: Plan, differences: Sequence[str]) -> None:
        """Note who runs it since when, and keep a copy of the plan."""
        now, me = self._clock.now(), Holder.here("", plan.digest, self._journal, self._state_dir)
        keep(copy_path(plan.digest, self._state_dir), plan_json(plan))
        self._write(
            Notes(
                plan=plan.digest,
                journal=me.journal,
                began_at=now,
                at=now,
                user=me.user,
                host=me.host,
                process=me.process,
                origin=self._origin,
            )
        )
        self._to.run_began(plan, differences)

    def taken_up(self, done: Collection[str]) -> None:
        """Pass it on."""
        self._to.taken_up(done)

    def step_began(self, step: Step) -> None:
        """Note it."""
        self._waits.pop(step.id, None)
        self._progress[step.id] = 0.0
        self._note()
        self._to.step_began(step)

    def step_waits(self, step: Step, why: str) -> None:
        """Note the reason."""
        self._progress.pop(step.id, None)
        self._waits[step.id] = why
        self._note()
        self._to.step_waits(step, why)

    def step_progress(self, step: Step, progress: float) -> None:
        """Note it every few seconds."""
        self._progress[step.id] = progress
        if self._clock.monotonic() >= self._written + EVERY:
            self._note()
        self._to.step_progress(step, progress)

    def step_ended(self, step: Step, looked: Looked) -> None:
        """Note that it is over."""
        self._progress.pop(step.id, None)
        self._waits.pop(step.id, None)
        self._note()
        self._to.step_ended(step, looked)

    def lock_told(self, words: str) -> None:
        """Pass it on."""
        self._to.lock_told(words)

    def noticed(self, step: str, words: str) -> None:
        """Pass it on."""
        self._to.noticed(step, words)

    def stopping(self, why: str) -> None:
        """Note why."""
        if self._notes:
            self._notes = replace(self._notes, stopping=why)
            self._note()
        self._to.stopping(why)

    def run_ended(self, result: RunResult) -> None:
        """Note that nothing is under way."""
        self._progress.clear()
        self._note()
        self._to.run_ended(result)

    def _note(self) -> None:
        if self._notes:
            self._write(self._notes)

    def _write(self, notes: Notes) -> None:
        self._notes = replace(notes, at=self._clock.now(), progress=dict(self._progress), waits=dict(self._waits))
        write_notes(self._notes, self._state_dir)
        self._written = self._clock.monotonic()
