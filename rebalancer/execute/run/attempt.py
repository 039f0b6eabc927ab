"""One step on its way: look, verify what is left, ask XAPI, and only then send; once more where that may help."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from rebalancer.errors import RefusedByXapi
from rebalancer.execute.claim.fence import STEP, TAKEN, Mark
from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.judge.advice import what_happened
from rebalancer.execute.judge.hindrance import Hindrance, hindrance_of, of_refusal
from rebalancer.execute.judge.refusal import NOT_PERMITTED, is_passing
from rebalancer.execute.run.flight import Flights, StepHeld, Withdrawn
from rebalancer.execute.run.migration import MigrationCall, motion_of
from rebalancer.execute.run.observation import Observation, is_busy, observed
from rebalancer.execute.run.watch import Answer, Waiting
from rebalancer.inventory import Pool
from rebalancer.xapi import StorageMotion, Whereabouts

_WHERE_IT_WAS = frozenset({StepState.UNSENT, StepState.REFUSED, StepState.STAYED})


@dataclass(slots=True, kw_only=True)
class Attempt:
    """The attempt to make one step beside those of *flights*.

    Args:
        migration: of the step.
        flights: what is on its way.
        judge: the pool, or None where it cannot be judged now; raises StalePlan where what is left is not legal.
        wire: seconds that the step's bytes take on the wire in this pool.
        goes_on: whether anything may be begun.
        in_time: whether the step would end before the deadline, were it sent now.
    """

    migration: MigrationCall
    flights: Flights
    judge: Callable[[], Pool | None]
    wire: Callable[[Pool], float]
    goes_on: Callable[[], bool]
    in_time: Callable[[], bool]

    def go(self) -> Waiting[Looked]:
        """Make the step, once more if the VM is where it was and the reason may have passed.

        Raises:
            StalePlan, XapiError: it cannot be made.
            Held: it cannot be made for now.
            Withdrawn: it was never begun, because nothing is to be begun any more, or it would be late by now.
        """
        step, watch = self.migration.step, self.migration.watch
        self.migration.reporter.step_began(step)
        looked = yield from self._once()
        again = looked.state is StepState.UNSENT or is_passing(looked.error)
        if looked.state in _WHERE_IT_WAS and again and self.goes_on():
            self.migration.reporter.step_waits(step, what_happened(step, looked))
            yield from watch.pause(watch.timeouts.retry)
            with suppress(Withdrawn):  # then the step has ended as the first attempt did
                looked = yield from self._once()
        return looked

    def _once(self) -> Waiting[Looked]:
        step = self.migration.step
        where = self.migration.watch.look(step.vm)
        self._assert_go_on()
        if is_busy(where):
            self._assert_free(where)
        if STEP in where.marks:
            return (yield from self._once_unmarked(Mark.told(where.marks[STEP])))
        found, left = self.migration.with_disks(observed(step.migration, where))
        if found.state is not StepState.STAYED:
            return self.migration.write(found, words=left)
        self._assert_free(where)
        try:
            pool, motion = yield from self._permitted()
        except RefusedByXapi as error:
            if error.code == NOT_PERMITTED:
                raise
            if hindrance := of_refusal(step, error):
                raise StepHeld(hindrance) from error
            return self.migration.write(
                Observation(state=StepState.REFUSED, where=where), error=(error.code, *error.params)
            )
        if self._was_moved():
            return (yield from self._once())
        self._assert_go_on()
        return (yield from self._fly(pool, motion))

    def _once_unmarked(self, mark: Mark) -> Waiting[Looked]:
        """Make the step after *mark* was removed from its VM: our own, of a step that is over, or one of a dead run.

        Raises:
            Held: a call of that other run may still be under way.
        """
        migration, fences = self.migration, self.migration.guard.fences
        if not fences.is_own(mark):
            found, why = yield from migration.orphan(mark)
            if found.state is StepState.UNKNOWN:
                raise StepHeld(Hindrance(words=f"{TAKEN} ({mark}; {why})"))
            self._assert_go_on()
        self.migration.watch.keep_asking(lambda: fences.remove(migration.step.vm))
        return (yield from self._once())

    def _assert_free(self, where: Whereabouts) -> None:
        """Pass where nothing keeps the VM from being moved just now."""
        if hindrance := hindrance_of(self.migration.step, where):
            raise StepHeld(hindrance)

    def _was_moved(self) -> bool:
        """Whether the VM may no longer be where it was when the pool was verified and XAPI was asked.

        Where the pool was silent meanwhile, it is verified again: no look is older than a silence.
        """
        step, live = self.migration.step, self.migration.watch.live
        where, at_once = self._answer(lambda: live.whereabouts(step.vm))
        if is_busy(where) or observed(step.migration, where).state is not StepState.STAYED:
            return True
        return not at_once and self.judge() is None

    def _permitted(self) -> Waiting[tuple[Pool, StorageMotion | None]]:
        """A pool in which all that is left is legal, and what to send for disks, once XAPI agrees.

        Where XAPI was silent before it agreed, the pool is looked at again: no look is older than a silence.
        """
        while True:
            pool = self.judge()
            if pool is not None:
                _, at_once = self._answer(partial(self._ask, self._motion(pool)))
                pool = pool if at_once else self.judge()
            if pool is not None:
                return pool, self._motion(pool)
            yield None  # the pool does not show clearly what is on its way
            self._assert_go_on()

    def _motion(self, pool: Pool) -> StorageMotion | None:
        return motion_of(self.migration.step, pool) if self.migration.step.disks else None

    def _answer(self, question: Callable[[], Answer]) -> tuple[Answer, bool]:
        """The answer to *question*, and whether it came at once or after a silence."""
        asked = 0

        def ask() -> Answer:
            nonlocal asked
            asked += 1
            return question()

        return self.migration.watch.keep_asking(ask), asked == 1

    def _ask(self, motion: StorageMotion | None) -> None:
        """Ask XAPI whether the step may be made now; it says no by a `RefusedByXapi`."""
        step, live = self.migration.step, self.migration.watch.live
        if motion:
            live.assert_may_migrate_with_disks(motion)
        else:
            live.assert_may_migrate(step.vm, step.target)

    def _fly(self, pool: Pool, motion: StorageMotion | None) -> Waiting[Looked]:
        """Send the call; until it is over, the step holds both of its hosts."""
        step, before = self.migration.step.id, self.flights.ever_sent
        self.flights.sent.add(step)
        self.flights.ever_sent = True
        try:
            return (yield from self.migration.send(pool, motion, wire_seconds=self.wire(pool)))
        except RefusedByXapi:  # at once, so that nothing was begun
            self.flights.ever_sent = before
            raise
        finally:
            self.flights.sent.discard(step)

    def _assert_go_on(self) -> None:
        if not (self.goes_on() and self.in_time()):
            raise Withdrawn
