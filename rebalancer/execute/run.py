"""One run of a plan: look, ask the pool, write, act, look, write; one step at a time, in the order of the plan.

Nothing is solved here: what was reviewed is what runs, and what cannot run any more stops the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

from rebalancer.errors import IllegalPlan, InputError, RefusedByXapi, StalePlan, StoppedHalfWay, XapiError
from rebalancer.execute.advice import NEXT_STEPS, named, what_happened
from rebalancer.execute.carrying import motion_of
from rebalancer.execute.drift import already_there
from rebalancer.execute.history import StepHistory
from rebalancer.execute.journal import Journal, Looked, RunBegan, RunEnded
from rebalancer.execute.migration import Migration
from rebalancer.execute.outcome import StepState
from rebalancer.execute.preflight import assert_legal_from_here, assert_not_expired, assert_same_pool, assert_sealed
from rebalancer.execute.refusal import is_passing
from rebalancer.execute.reporter import RunReporter
from rebalancer.execute.result import Ending, RunResult
from rebalancer.execute.sight import Sight, is_busy, sight
from rebalancer.execute.watch import Watch
from rebalancer.inventory import Pool
from rebalancer.plan import Plan, Step
from rebalancer.xapi import StorageMotion

_WHERE_IT_WAS = frozenset({StepState.UNSENT, StepState.REFUSED, StepState.STAYED})
_LOOK_AGAIN = frozenset({StepState.HALTED, StepState.ELSEWHERE})


class _Halt(Exception):
    """The run ends between two steps, for a reason that needs people."""


class _Asked(Exception):
    """Somebody asked to stop, and nothing is under way."""

    def __str__(self) -> str:
        """The reason, for the journal."""
        return "it was asked to stop"


@dataclass(slots=True, kw_only=True)
class Run:
    """A run of *plan*; the caller holds the lock. `history` is what earlier runs wrote of the steps."""

    plan: Plan
    watch: Watch
    path: Path
    reporter: RunReporter
    deadline: datetime | None
    history: Mapping[str, StepHistory] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    looked: list[Looked] = field(default_factory=list)
    differences: tuple[str, ...] = ()
    sent: bool = False

    def go(self) -> RunResult:
        """Check, then carry out what is left.

        Raises:
            RebalancerError: as `execute` says.
        """
        assert_sealed(self.plan)
        pool = self._read()
        assert_same_pool(self.plan, pool)
        self.sent = bool(self.history)
        if not self.history:
            self._preflight(pool)
        with Journal(self.path) as journal:
            return self._carry_out(journal, pool)

    def _preflight(self, pool: Pool) -> None:
        """Pass if what is left may be begun, and note how the pool differs."""
        there = already_there(self.plan, pool)
        if len(there | self.done) < len(self.plan.steps):
            assert_not_expired(self.plan, self.watch.clock.now())
            self.differences = assert_legal_from_here(self.plan, self.done | there, pool)

    def _carry_out(self, journal: Journal, pool: Pool) -> RunResult:
        """Begin, make the steps, end: each of it written down."""
        now, plan = self.watch.clock.now(), self.plan
        journal.append(RunBegan(at=now, plan=plan.digest, pool=plan.made_from.pool, differences=self.differences))
        self.reporter.run_began(plan, self.differences)
        try:
            self._take_up(journal, pool)
            result = self._result(self._steps(journal))
        except (_Halt, _Asked, StalePlan, IllegalPlan, XapiError, InputError) as error:
            self._give_up(journal, error)
        journal.append(RunEnded(at=self.watch.clock.now(), words=str(result)))
        self.reporter.run_ended(result)
        return result

    def _take_up(self, journal: Journal, pool: Pool) -> None:
        """Settle what earlier runs left open, believe the pool about the rest, and check again."""
        self.done = {step for step, history in self.history.items() if history.state is StepState.MOVED}
        for step in self.plan.steps:
            self._settle(step, self._migration(step, journal))
        fresh = self._read() if self.history else pool
        for step in self.plan.steps:
            if step.id in already_there(self.plan, fresh) - self.done:
                there = Sight(state=StepState.MOVED, where=self.watch.look(step.vm))
                self._note(step, self._migration(step, journal).write(there, words="it was there already"))
        if self.history:
            self._preflight(fresh)

    def _settle(self, step: Step, migration: Migration) -> None:
        """Find out what became of *step* in an earlier run."""
        history = self.history.get(step.id, StepHistory())
        if history.unsettled:
            self.reporter.step_began(step)
            self._note(step, migration.take_up(history))
        elif history.state in _LOOK_AGAIN:
            found = sight(step.move, self.watch.look(step.vm))
            looked = migration.write(found)
            if found.state is not StepState.STAYED:
                self._note(step, looked)

    def _steps(self, journal: Journal) -> Ending:
        """Make every step that is left, until there is a reason not to."""
        for step in self.plan.steps:
            if step.id in self.done:
                continue
            self._assert_go_on()
            if self._would_be_late(step):
                self.reporter.stopping(Ending.DEADLINE.value)
                return Ending.DEADLINE
            self._note(step, self._attempt(step, self._migration(step, journal)))
        return Ending.COMPLETE

    def _would_be_late(self, step: Step) -> bool:
        """Whether *step* would end after the deadline, by its estimate."""
        ends = self.watch.clock.now() + timedelta(seconds=step.seconds)
        return self.deadline is not None and ends > self.deadline

    def _attempt(self, step: Step, migration: Migration) -> Looked:
        """Make *step*, once more if the VM is where it was and the reason may have passed."""
        self.reporter.step_began(step)
        looked = self._once(step, migration)
        again = looked.state is StepState.UNSENT or is_passing(looked.error)
        if looked.state in _WHERE_IT_WAS and again and not self.watch.stop.asked:
            self.reporter.step_waits(step, what_happened(step, looked))
            self.watch.clock.sleep(self.watch.patience.retry)
            looked = self._once(step, migration)
        return looked

    def _once(self, step: Step, migration: Migration) -> Looked:
        """Look, verify what is left, ask XAPI, and only then send.

        Raises:
            StalePlan: what is left is not legal any more.
        """
        where = self.watch.at_rest(step.vm, lambda why: self.reporter.step_waits(step, f"the VM is busy: {why}"))
        self._assert_go_on()
        if is_busy(where):
            raise _Halt(f"{named(step)}: the VM is still busy ({', '.join(where.operations) or 'a migration'})")
        found = sight(step.move, where)
        if found.state is not StepState.STAYED:
            return migration.write(found)
        pool = self._read()
        self.differences = assert_legal_from_here(self.plan, self.done, pool)
        motion = motion_of(step, pool) if step.disks else None
        try:
            self.watch.keep_asking(lambda: self._ask(step, motion))
        except RefusedByXapi as error:
            return migration.write(Sight(state=StepState.REFUSED, where=where), error=(error.code, *error.params))
        self._assert_go_on()
        self.sent = True
        return migration.send(motion)

    def _ask(self, step: Step, motion: StorageMotion | None) -> None:
        """Ask XAPI whether *step* may be made now.

        Raises:
            RefusedByXapi: it may not.
        """
        if motion:
            self.watch.live.assert_may_migrate_with_disks(motion)
        else:
            self.watch.live.assert_may_migrate(step.vm, step.target)

    def _assert_go_on(self) -> None:
        """Pass unless somebody asked to stop."""
        if self.watch.stop.asked:
            raise _Asked

    def _note(self, step: Step, looked: Looked) -> None:
        """Count *step* as done if it is.

        Raises:
            _Halt: it is not.
        """
        self.looked.append(looked)
        self.reporter.step_ended(step, looked)
        if looked.state is not StepState.MOVED:
            advice = f". {NEXT_STEPS[looked.state]}" if self.sent else ""
            raise _Halt(what_happened(step, looked) + advice)
        self.done.add(step.id)

    def _give_up(self, journal: Journal, error: Exception) -> NoReturn:
        """End a run before its time; where nothing was ever sent, and nobody asked, only the plan is stale."""
        reason = str(error).rstrip(".")
        self.reporter.stopping(reason)
        if not isinstance(error, InputError):
            journal.append(RunEnded(at=self.watch.clock.now(), words=reason))
        if self.sent or isinstance(error, _Asked):
            left = len({step.id for step in self.plan.steps} - self.done - {each.step for each in self.looked})
            raise StoppedHalfWay(reason, done=len(self.done), left=left, journal=str(self.path)) from error
        if isinstance(error, _Halt):
            raise StalePlan([reason]) from error
        raise error

    def _result(self, ending: Ending) -> RunResult:
        """What the run came to."""
        steps = [step.id for step in self.plan.steps]
        return RunResult(
            ending=ending,
            done=tuple(step for step in steps if step in self.done),
            left=tuple(step for step in steps if step not in self.done),
            looked=tuple(self.looked),
            differences=self.differences,
            journal=self.path,
        )

    def _read(self) -> Pool:
        """The pool, now."""
        return self.watch.keep_asking(self.watch.live.read)

    def _migration(self, step: Step, journal: Journal) -> Migration:
        """The migration of *step*."""
        return Migration(step=step, watch=self.watch, journal=journal, reporter=self.reporter)
