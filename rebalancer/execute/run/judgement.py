"""What is asked of the pool before the first step, and again before each launch."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from rebalancer.errors import StalePlan
from rebalancer.execute.judge.fitness import assert_not_expired
from rebalancer.execute.judge.hindrance import hindrance_beside
from rebalancer.execute.judge.proof import Prover
from rebalancer.execute.run.flight import Flights, StepHeld
from rebalancer.execute.run.stops import Stop, Stops
from rebalancer.execute.run.watch import Watch
from rebalancer.inventory import Pool
from rebalancer.plan import Plan, Step
from rebalancer.plan.progress import host_of, made_already


@dataclass(slots=True)
class Judgement:
    """Judges what is left of *plan*, while *flights* are on their way and the steps in *done* are made.

    Those in *aside* failed, and are not made any more.

    `differences` are those between the pool and what the plan knew that leave it legal, when it was last looked at.
    """

    plan: Plan
    watch: Watch
    flights: Flights
    done: AbstractSet[str]
    stops: Stops
    aside: Mapping[str, str]
    differences: tuple[str, ...] = ()
    proof: Prover = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is proven yet."""
        self.proof = Prover(self.plan)

    @property
    def stop(self) -> Stop | None:
        """Why nothing more is started; None where nothing speaks against it."""
        return self.stops.found

    def before_all(self, pool: Pool) -> None:
        """Pass if what is left may be begun in *pool*, or if *pool* is on hold, so that nothing will be.

        Raises:
            StalePlan: the plan has expired, or is not legal any more.
            IllegalPlan: it never was.
        """
        if self.stops.is_on_hold(pool):
            return
        there = made_already(self.plan, pool, self.done)
        if len(there | self.done) < len(self.plan.steps):
            assert_not_expired(self.plan, self.watch.clock.now())
            self.differences = self.proof.assert_legal(self.done | there, pool)

    def before(self, step: Step) -> Pool | None:
        """The pool, if *step* may be launched in it; None while it does not show clearly what is on its way.

        A Storage XenMotion makes disks and snapshots of its own while it runs, so nothing is judged beside one.

        Raises:
            StalePlan: what is left is not legal any more.
            Withdrawn, Halt: nothing more is started, see `Stops`.
            Held: *step* cannot be made for now.
        """
        steps = [each for each in self.plan.steps if each.id in self.flights.sent]
        if any(each.disks for each in steps):
            return None
        self.stops.assert_calm(step, self.done)
        pool = self.watch.keep_asking(self.watch.live.read)
        self.stops.assert_not_on_hold(pool)
        if not all(host_of(each.vm, pool) in {each.source, each.target} for each in steps):
            return None
        self.differences = self._assert_legal(pool)
        self.stops.assert_steady(pool, {each.vm for each in steps})
        if hindrance := hindrance_beside(self.plan, step, pool, self.done, flying=self.flights.sent, aside=self.aside):
            raise StepHeld(hindrance)
        return pool

    def _assert_legal(self, pool: Pool) -> tuple[str, ...]:
        """The differences that leave the rest legal; where it is not, what changed since the run began comes first."""
        try:
            return self.proof.assert_legal(self.done, pool, self.flights.sent)
        except StalePlan as stale:
            raise StalePlan(tuple(dict.fromkeys((*self.stops.changes(pool), *stale.reasons)))) from stale
