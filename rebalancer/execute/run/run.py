"""One run of a plan: look, ask the pool, write, act, look, write; as many steps at once as the policy's limits allow.

Nothing is solved here: what was reviewed is what runs, and what cannot run any more stops the run. A step is launched
as soon as what it waits for is done and the limits have room, those that stand first in the plan first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from rebalancer.errors import IllegalPlan, InputError, InventoryError, PoolLocked, StalePlan, StoppedHalfWay, XapiError
from rebalancer.execute.journal.entries import Looked, RunBegan, RunEnded
from rebalancer.execute.journal.history import StepHistory, histories
from rebalancer.execute.journal.journal import Journal, read_journal
from rebalancer.execute.journal.learned_pace import wire_of
from rebalancer.execute.journal.outcome import FAILED, StepState
from rebalancer.execute.judge.advice import NEXT_STEPS, outcome_of, what_happened
from rebalancer.execute.judge.fitness import assert_same_pool, assert_sealed, assert_still_there
from rebalancer.execute.judge.hindrance import Hindrance, half_way, with_waiting
from rebalancer.execute.judge.host_memory import HostMemoryComparison
from rebalancer.execute.judge.refusal import is_of_the_way
from rebalancer.execute.options import RunReporter
from rebalancer.execute.result import Ending, RunResult
from rebalancer.execute.run.attempt import Attempt
from rebalancer.execute.run.crowd import Crowd
from rebalancer.execute.run.flight import Flights, Halt, StopAsked, UnforeseenEnd
from rebalancer.execute.run.guard import Guard
from rebalancer.execute.run.holds import Holds
from rebalancer.execute.run.hours import Hours
from rebalancer.execute.run.judgement import Judgement
from rebalancer.execute.run.memory_after import MemoryAfter
from rebalancer.execute.run.migration import MigrationCall
from rebalancer.execute.run.stops import Stops
from rebalancer.execute.run.watch import Waiting, Watch
from rebalancer.inventory import Pool
from rebalancer.plan import Plan, Step
from rebalancer.plan.progress import made_already


@dataclass(slots=True, kw_only=True)
class Run:
    """A run of *plan*; the caller holds the lock. `history` is what earlier runs wrote of the steps."""

    plan: Plan
    watch: Watch
    path: Path
    reporter: RunReporter
    hours: Hours
    guard: Guard
    history: Mapping[str, StepHistory] = field(default_factory=dict)
    done: set[str] = field(init=False)
    looked: list[Looked] = field(default_factory=list)
    flights: Flights = field(init=False)
    holds: Holds = field(init=False)
    crowd: Crowd = field(init=False)
    judgement: Judgement = field(init=False)
    memory: MemoryAfter = field(init=False)
    waiting: set[str] = field(default_factory=set)
    _taking_up: bool = field(default=False, init=False)
    _unsettled: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        """Nothing is on its way yet, whatever earlier runs have sent; what they saw done is done."""
        self.done = {step for step, history in self.history.items() if history.state is StepState.MOVED}
        before = any(history.was_taken for history in self.history.values())
        self.crowd = Crowd(self.plan, self.watch.clock, self.reporter)
        self.flights = Flights(note=self._note, hold=self._hold, ever_sent=before)
        self.holds = Holds.begun(self.plan, self.watch, self.hours, self.reporter)
        self._unsettled = {step for step, history in self.history.items() if history.unsettled}
        self.watch.stop.under_way = lambda: sorted(self.flights.sent | self._unsettled)

    def go(self) -> RunResult:
        """Check, then carry out what is left.

        Raises:
            RebalancerError: as `execute` says.
        """
        try:
            return self._gone()
        except XapiError as error:
            if not (self.watch.stop.asked and is_of_the_way(error)):
                raise
            self._stop_half_way(StopAsked(error))

    def _gone(self) -> RunResult:
        assert_sealed(self.plan)
        pool = self._first_look()
        assert_same_pool(self.plan, pool)
        stops = Stops.begun(self.plan, self.watch, self.reporter, pool)
        self.judgement = Judgement(self.plan, self.watch, self.flights, self.done, stops, self.holds.aside)
        if not self.history:
            self.judgement.before_all(pool)
        elif len(self.done) == len(self.plan.steps):
            assert_still_there(self.plan, pool)
        with Journal(self.path) as journal:
            if histories(self.path, read_journal(self.path)) != self.history:
                raise PoolLocked(str(self.path))  # with another state folder, somebody wrote to it meanwhile
            return self._carry_out(journal, pool)

    def _first_look(self) -> Pool:
        """The pool before anything is written; what an earlier run has sent may be why it contradicts itself."""
        try:
            return self._read()
        except InventoryError as error:
            if not self.history:
                raise
            self._stop_half_way(error)

    def _carry_out(self, journal: Journal, pool: Pool) -> RunResult:
        now, plan = self.watch.clock.now(), self.plan
        differences = self.judgement.differences
        began = RunBegan(
            at=now, plan=plan.digest, pool=plan.made_from.pool, differences=differences, run=self.guard.claim.run
        )
        hosts = HostMemoryComparison.begun(plan, pool, made_already(plan, pool, self.done) | self.done)
        self.memory = MemoryAfter(watch=self.watch, journal=journal, reporter=self.reporter, hosts=hosts)
        with self.guard.held(journal, began):
            self.reporter.run_began(plan, differences)
            if self.done:
                self.reporter.taken_up(frozenset(self.done))
            try:
                self._take_up(journal, pool)
                result = self._result(self._steps(journal))
                journal.append(RunEnded(at=self.watch.clock.now(), words=str(result)))
            except (Halt, StopAsked, StalePlan, IllegalPlan, InventoryError, XapiError, InputError) as error:
                self._give_up(journal, error)
            except Exception as error:
                if not self.flights.ever_sent:
                    raise
                self._give_up(journal, UnforeseenEnd(error))
        self.reporter.run_ended(result)
        return result

    def _take_up(self, journal: Journal, pool: Pool) -> None:
        """Settle what earlier runs left open, believe the pool about the rest, and check again."""
        self._taking_up = True
        for step in self.plan.steps:
            if self.history.get(step.id, StepHistory()).unsettled:
                self.reporter.step_began(step)
                self.flights.launch(step, self._migration(step, journal).take_up(self.history[step.id]))
        self._wait_for_all()
        self._taking_up = False
        self._unsettled.clear()
        for step in self.plan.steps:
            self._look_again(step, journal)
        fresh = self._read() if self.history else pool
        for step in self.plan.steps:
            if step.id in made_already(self.plan, fresh, self.done) - self.done:
                self._note(step, self._migration(step, journal).was_made())
        if self.history:
            self.guard.take_over(fresh)
            self.judgement.before_all(fresh)

    def _look_again(self, step: Step, journal: Journal) -> None:
        """Find out whether a VM that was lost in an earlier run is where it was to be by now."""
        if self.history.get(step.id, StepHistory()).state in {StepState.HALTED, StepState.ELSEWHERE}:
            looked = self._migration(step, journal).look()
            if looked.state is not StepState.STAYED:
                self._note(step, looked)

    def _wait_for_all(self) -> None:
        while self.flights:
            self.guard.keep(self.flights)
            if not self.flights.go_on(self.watch.lookout.is_due):
                self.watch.lookout.rest(self.flights.waits)
        self._raise_troubles()

    def _raise_troubles(self) -> None:
        self.memory.wait(lambda: self.guard.keep(self.flights))
        self.flights.raise_troubles()

    def _steps(self, journal: Journal) -> Ending:
        """Make every step that is left, until there is a reason not to; what is on its way is followed to its end."""
        self.waiting = {step.id for step in self.plan.steps} - self.done - self.holds.aside.keys()
        self.holds.went_on()
        while True:
            self.guard.keep(self.flights)
            self.memory.look()
            self.crowd.look(self.flights.sent)
            while self._goes_on() and (step := self._ready()):
                self.crowd.enter(step)
                self.waiting.discard(step.id)
                self.flights.launch(step, self._attempt(step, journal))
            if not self.flights and not (self._goes_on() and self.holds.are_worth_waiting(self._able())):
                break
            over = self.flights.go_on(self.watch.lookout.is_due)
            for step in over:
                self.crowd.leave(step, moved=step.id in self.done)
            if not over:
                self.watch.lookout.rest(self.flights.waits, self.holds.looked_at_next())
        self._raise_troubles()
        self.memory.compare_at_the_end(self.done)
        return self._ending()

    def _goes_on(self) -> bool:
        return not (self.flights.troubles or self.watch.stop.asked or self.judgement.stop)

    def _ready(self) -> Step | None:
        able = (step for step in self._able() if self.crowd.has_room(step))
        return next((step for step in able if self.holds.may_be_tried(step)), None)

    def _able(self) -> Iterator[Step]:
        """Those of the next steps that would end in time."""
        return (step for step in self._next() if not self.hours.would_be_late(step))

    def _next(self) -> Iterator[Step]:
        """The steps that wait for no other step, in the order of the plan."""
        for step in self.plan.steps:
            if step.id in self.waiting and self.done.issuperset(step.after):
                yield step

    def _hold(self, step: Step, hindrance: Hindrance) -> None:
        self.holds.hold(step, hindrance)
        self.waiting.add(step.id)

    def _ending(self) -> Ending:
        """Why nothing more is begun; `StopAsked` where somebody wanted that."""
        if len(self.done) == len(self.plan.steps):
            return Ending.COMPLETE
        if self.watch.stop.asked:
            raise StopAsked
        if self.judgement.stop:
            return self.judgement.stop.ending
        if self.holds.aside and (split := half_way(self.plan, self._read())):
            raise Halt(f"{split}{self.holds.before}")
        left = {step.id for step in self.plan.steps} - self.done
        ending = Ending.HELD if any(self._able()) else self.hours.ending
        if left <= with_waiting(self.plan, self.holds.given_up):
            ending = Ending.SET_ASIDE
        elif ending is Ending.DEADLINE and self.holds.hold_all(self._next()):
            ending = Ending.HELD
        self.reporter.stopping(ending.value)
        return ending

    def _attempt(self, step: Step, journal: Journal) -> Waiting[Looked]:
        migration = self._migration(step, journal)
        attempt = Attempt(
            migration=migration,
            flights=self.flights,
            judge=lambda: self.memory.compare(self.judgement.before(step), self.done, self.flights.sent),
            wire=lambda pool: self._leaves(step, pool),
            goes_on=self._goes_on,
            in_time=lambda: not self.hours.would_be_late(step),
        )
        return attempt.go()

    def _leaves(self, step: Step, pool: Pool) -> float:
        """Note what the VM of *step* has in *pool*, right before the call; seconds that its bytes take on the wire."""
        self.memory.leaves(pool.vms[step.vm])
        self.crowd.leaves(step)
        return wire_of(step, self.plan, pool)

    def _note(self, step: Step, looked: Looked) -> None:
        """Count *step* as done; `Halt` if it is not, and neither to be made again nor to be set aside.

        What an earlier run has surely not sent is made. What failed and left its VM where it was is set aside, as often
        as the policy allows it.
        """
        self.looked.append(looked)
        self.reporter.step_ended(step, looked)
        self.memory.is_over(step, looked)
        if self._taking_up and looked.state is StepState.UNSENT:
            return
        if looked.state in FAILED and self.holds.takes(step) and not self.watch.stop.asked:
            self.holds.set_aside(step, outcome_of(step, looked))
            return
        if looked.state is not StepState.MOVED:
            advice = f"\n{NEXT_STEPS[looked.state].format(step=step.id)}" if self.flights.ever_sent else ""
            raise Halt(what_happened(step, looked) + advice + self.holds.before)
        self.done.add(step.id)
        self.holds.release(step)

    def _give_up(self, journal: Journal, error: Exception) -> NoReturn:
        """End a run before its time; where nothing was ever sent, and nobody asked, only the plan is stale."""
        reason = str(error).rstrip(".")
        facts = reason.split("\n")
        self.reporter.stopping(facts[0])
        if not isinstance(error, InputError):
            with suppress(InputError):  # a full disk hides no reason
                journal.append(RunEnded(at=self.watch.clock.now(), words=". ".join(facts)))
        if self.flights.ever_sent or isinstance(error, StopAsked):
            self._stop_half_way(error)
        if isinstance(error, Halt):
            raise StalePlan(facts) from error
        raise error

    def _stop_half_way(self, error: Exception) -> NoReturn:
        begun = self.done | self.history.keys() | {each.step for each in self.looked}
        left = len({step.id for step in self.plan.steps} - begun)
        journal = str(self.path) if self.path.exists() else ""
        raise StoppedHalfWay(str(error).rstrip("."), done=len(self.done), left=left, journal=journal) from error

    def _result(self, ending: Ending) -> RunResult:
        left = [step for step in self.plan.steps if step.id not in self.done]
        stop = self.judgement.stop
        return RunResult(
            ending=ending,
            done=tuple(step.id for step in self.plan.steps if step.id in self.done),
            left=tuple(step.id for step in left),
            held=tuple(self.holds.told(left)),
            failed=tuple(self.holds.aside),
            why=stop.words if stop and stop.ending is ending else "",
            looked=tuple(self.looked),
            noticed=tuple(self.memory.noticed),
            differences=self.judgement.differences,
            journal=self.path,
            opens_at=self.hours.opens_at if ending is Ending.WINDOW else None,
            timezone=self.plan.policy.timezone,
        )

    def _read(self) -> Pool:
        return self.watch.keep_asking(self.watch.live.read)

    def _migration(self, step: Step, journal: Journal) -> MigrationCall:
        return MigrationCall(step=step, watch=self.watch, journal=journal, reporter=self.reporter, guard=self.guard)
