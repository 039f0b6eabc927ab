"""One step on its way: look, verify what is left, ask XAPI, and only then send; once more where that may help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rebalancer.errors import RefusedByXapi
from rebalancer.execute.advice import named, what_happened
from rebalancer.execute.carrying import motion_of
from rebalancer.execute.flight import Flights, Halt, Withdrawn
from rebalancer.execute.journal import Looked
from rebalancer.execute.migration import Migration
from rebalancer.execute.outcome import StepState
from rebalancer.execute.refusal import is_passing
from rebalancer.execute.sight import Sight, is_busy, sight
from rebalancer.execute.watch import Waiting
from rebalancer.inventory import Pool
from rebalancer.xapi import StorageMotion

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
    """

    migration: Migration
    flights: Flights
    judge: Callable[[], Pool | None]
    wire: Callable[[Pool], float]
    goes_on: Callable[[], bool]

    def go(self) -> Waiting[Looked]:
        """Make the step, once more if the VM is where it was and the reason may have passed.

        Raises:
            Halt, StalePlan, XapiError: it cannot be made.
            Withdrawn: it was not begun, because nothing is to be begun any more.
        """
        step, watch = self.migration.step, self.migration.watch
        self.migration.reporter.step_began(step)
        looked = yield from self._once()
        again = looked.state is StepState.UNSENT or is_passing(looked.error)
        if looked.state in _WHERE_IT_WAS and again and self.goes_on():
            self.migration.reporter.step_waits(step, what_happened(step, looked))
            yield from watch.pause(watch.patience.retry)
            looked = yield from self._once()
        return looked

    def _once(self) -> Waiting[Looked]:
        """Look, verify what is left, ask XAPI, send, follow."""
        step, watch, reporter = self.migration.step, self.migration.watch, self.migration.reporter
        where = yield from watch.at_rest(step.vm, lambda why: reporter.step_waits(step, f"the VM is busy: {why}"))
        self._assert_go_on()
        if is_busy(where):
            raise Halt(f"{named(step)}: the VM is still busy ({', '.join(where.operations) or 'a migration'})")
        found = sight(step.move, where)
        if found.state is not StepState.STAYED:
            return self.migration.write(found)
        while (pool := self.judge()) is None:
            yield
            self._assert_go_on()
        motion = motion_of(step, pool) if step.disks else None
        try:
            watch.keep_asking(lambda: self._ask(motion))
        except RefusedByXapi as error:
            return self.migration.write(Sight(state=StepState.REFUSED, where=where), error=(error.code, *error.params))
        self._assert_go_on()
        return (yield from self._fly(motion, self.wire(pool)))

    def _ask(self, motion: StorageMotion | None) -> None:
        """Ask XAPI whether the step may be made now.

        Raises:
            RefusedByXapi: it may not.
        """
        step, live = self.migration.step, self.migration.watch.live
        if motion:
            live.assert_may_migrate_with_disks(motion)
        else:
            live.assert_may_migrate(step.vm, step.target)

    def _fly(self, motion: StorageMotion | None, wire_seconds: float) -> Waiting[Looked]:
        """Send the call; until it is over, the step holds both of its hosts."""
        step = self.migration.step.id
        self.flights.sent.add(step)
        self.flights.ever_sent = True
        looked = yield from self.migration.send(motion, wire_seconds=wire_seconds)
        self.flights.sent.discard(step)
        return looked

    def _assert_go_on(self) -> None:
        """Pass if the step may still be begun."""
        if not self.goes_on():
            raise Withdrawn
