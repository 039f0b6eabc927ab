"""Looking at the pool until something is over, with a limit on every wait.

What waits for a VM or a task is a generator: after each look that shows nothing new it yields what would end its wait,
so that several can wait side by side, and returns what it found.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from rebalancer.errors import LoginRefused, RefusedByXapi, Unreachable, XapiError
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.judge.refusal import GONE, is_of_the_way
from rebalancer.execute.live import Live
from rebalancer.execute.options import Clock, Timeouts
from rebalancer.execute.run.lookout import Lookout, Wait
from rebalancer.execute.run.observation import Observation, is_migrating, observed
from rebalancer.execute.stop import StopSignal, Wish
from rebalancer.placement import Migration
from rebalancer.xapi import TaskState, TaskStatus, Whereabouts

Answer = TypeVar("Answer")

Waiting = Generator[Wait | None, None, Answer]
"""Something to be asked again once a `Wait` is over, until it has an answer; after a poll, where it yields none."""

LOGINS = 3
"""How often a login that is refused is tried again in one silence."""

DELETED = "the pool does not know the VM any more: if somebody has deleted it, make a new plan"
_TELLS_ENOUGH = frozenset({StepState.MOVED, StepState.ELSEWHERE})
"""What a VM at rest says by itself, whatever its task says."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks at *live* within *timeouts*; changes nothing but to cancel a task that was to be watched.

    A silence of the pool is one silence, however many questions meet it: who asks late in it does not wait anew.
    """

    live: Live
    timeouts: Timeouts
    clock: Clock
    stop: StopSignal
    lookout: Lookout = field(init=False)
    _silent_since: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Nothing is waited for yet."""
        self.lookout = Lookout(live=self.live, timeouts=self.timeouts, clock=self.clock, stop=self.stop)

    def keep_asking(self, question: Callable[[], Answer]) -> Answer:
        """The answer to *question*, which changes nothing, asked again while the way to the pool is not right.

        Where somebody has asked to stop, and no step is under way, it is waited for some seconds at most.

        Raises:
            XapiError: for longer than the timeouts allow, or somebody wants the run to be cancelled.
        """
        while True:
            try:
                with self.stop.waking(self._hurry):
                    self._hurry()
                    answer = question()
            except XapiError as error:
                if not self._waits_on(error):
                    raise
                pause = self._pause_after(error)
            else:
                self._silent_since = None
                return answer
            self.clock.sleep(pause)

    def _hurry(self) -> None:
        """Wait for no long answer where somebody asks to stop and nothing has to be watched; for signal handlers."""
        if self._is_ending:
            self.live.hurry(self.timeouts.stopping)

    @property
    def _is_ending(self) -> bool:
        return bool(self.stop.asked) and not self.stop.under_way()

    def _keep_looking(self, question: Callable[[], Answer]) -> Answer:
        """The same for looks at what is under way: but for an object that is gone, no refusal of XAPI's answers one."""

        def look() -> Answer:
            try:
                return question()
            except RefusedByXapi as error:
                if error.code in GONE:
                    raise
                raise Unreachable(error.where, error.problem, error.remedy) from error

        return self.keep_asking(look)

    def _pause_after(self, error: XapiError) -> float:
        """Seconds until the next question; few logins are tried in one silence, because many lock an account."""
        return self.timeouts.unreachable / LOGINS if isinstance(error, LoginRefused) else self.timeouts.poll

    def _waits_on(self, error: XapiError) -> bool:
        """Whether to ask again after *error*; one that answers the question ends the silence."""
        if not is_of_the_way(error):
            self._silent_since = None
            return False
        now = self.clock.monotonic()
        self._silent_since = now if self._silent_since is None else self._silent_since
        longest = self.timeouts.stopping if self._is_ending else self.timeouts.unreachable
        return now < self._silent_since + longest and self.stop.wish is not Wish.CANCEL

    def pause(self, seconds: float) -> Waiting[None]:
        """Wait *seconds*, or less where somebody asks to stop."""
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until and not self.stop.asked:
            yield Wait(until=until)

    def look(self, vm: str) -> Whereabouts:
        """Where *vm* is now."""
        return self.keep_asking(lambda: self.live.whereabouts(vm))

    def task_end(self, ref: str, seconds: float, progress: Callable[[float], None]) -> Waiting[TaskState]:
        """How the task ended; still pending if it neither ended nor let itself be cancelled in time.

        It is cancelled once *seconds* are over or somebody wants that, and then gets time to end.
        """
        until, cancelled = self.clock.monotonic() + seconds, False
        while (task := self._stands(ref)).status is TaskStatus.PENDING:
            progress(task.progress)
            if not cancelled and (self.clock.monotonic() >= until or self.stop.wish is Wish.CANCEL):
                with suppress(XapiError):  # a task that cannot be cancelled ends by itself
                    self.live.cancel(ref)
                until, cancelled = self.clock.monotonic() + self.timeouts.cancel, True
            elif cancelled and self.clock.monotonic() >= until:
                break
            yield Wait(task=ref, until=until)
        return task

    def _stands(self, ref: str) -> TaskState:
        """How the task stands; of its end nobody is told but by a look."""
        return self.lookout.heard(ref) or self._keep_looking(lambda: self.live.task(ref))

    def settled(self, move: Migration, seconds: float, *, quiet: float) -> Waiting[Observation]:
        """What the pool shows once the VM has shown no migration for *quiet* seconds; unknown if it never does.

        A VM on its target or on a third host needs no such wait: the database says so only once it is there.
        """
        until, since = self.clock.monotonic() + seconds, None
        while True:
            found, moment = self._observed(move), self.clock.monotonic()
            under_way = found.where is not None and is_migrating(found.where)
            since = None if under_way else moment if since is None else since
            if since is not None and (found.state in _TELLS_ENOUGH or moment >= since + quiet):
                return found
            if moment >= until:
                return Observation(state=StepState.UNKNOWN, where=found.where)
            yield Wait(vm=move.vm, until=until if since is None else min(until, since + quiet))

    def _observed(self, move: Migration) -> Observation:
        """What one look says; unknown where the pool does not know the VM any more."""
        try:
            return observed(move, self._keep_looking(lambda: self.live.whereabouts(move.vm)))
        except RefusedByXapi:
            return Observation(state=StepState.UNKNOWN, words=DELETED)
