"""How many migrations a run lets run at once: as many as the limits allow, fewer where they slow each other down.

The width is halved where a migration beside others takes longer than the policy's factor times what the plan estimates
for its bytes, and grows by one each time as many as it is wide were in time: additive increase, multiplicative
decrease, as senders share a network. A migration that is slow alone is slowed by nobody: then the estimate is wrong,
and is corrected for those that follow. No width lets anything run that the plan's limits and relations do not allow.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from rebalancer.execute.options import Clock, RunReporter
from rebalancer.plan import Plan, Step
from rebalancer.schedule.lanes import Lanes
from rebalancer.units import counted

LEAST_SECONDS: Final = 5.0
"""What no migration is measured by less than: of shorter ones, launches and looks are too large a part."""


@dataclass(slots=True)
class Trip:
    """A migration under way since a moment of `Clock.monotonic`, and whether others were meanwhile."""

    step: Step
    since: float
    alone: bool
    slow: bool = False


@dataclass(slots=True)
class Crowd:
    """What of *plan* is under way, and how much may be besides."""

    plan: Plan
    clock: Clock
    reporter: RunReporter
    width: int = field(init=False)
    _lanes: Lanes = field(init=False)
    _inside: set[str] = field(default_factory=set)
    _trips: dict[str, Trip] = field(default_factory=dict)
    _in_time: int = 0
    _narrowed_at: float = 0.0
    _correction: float = 1.0

    def __post_init__(self) -> None:
        """At first as many run as the plan was made for."""
        self._lanes = Lanes(self.plan.policy.limits)
        self.width = self.plan.policy.limits.concurrent

    def has_room(self, step: Step) -> bool:
        """Whether *step* may be begun now, by the limits of the policy and by the width."""
        return len(self._inside) < self.width and self._lanes.has_room(step)

    def enter(self, step: Step) -> None:
        """*step* is begun."""
        self._lanes.enter(step)
        self._inside.add(step.id)

    def leaves(self, step: Step) -> None:
        """The call of *step* is about to leave."""
        for trip in self._trips.values():
            trip.alone = False
        self._trips[step.id] = Trip(step=step, since=self.clock.monotonic(), alone=not self._trips)

    def look(self, sent: Collection[str]) -> None:
        """Note which of those that were *sent*, and are not over, take too long by now."""
        for trip in self._trips.values():
            if trip.step.id in sent and not trip.alone:
                self._note_slowness(trip)

    def leave(self, step: Step, *, moved: bool) -> None:
        """*step* is over."""
        self._lanes.leave(step)
        self._inside.discard(step.id)
        if moved and (trip := self._trips.get(step.id)):
            self._learn(trip)
        self._trips.pop(step.id, None)

    def _learn(self, trip: Trip) -> None:
        if trip.alone:
            self._correction = max(1.0, self._share(trip))
        if not self._note_slowness(trip):
            self._widen()

    def _share(self, trip: Trip) -> float:
        """What *trip* has taken by now, as a share of the plan's estimate."""
        return (self.clock.monotonic() - trip.since) / max(trip.step.seconds, LEAST_SECONDS)

    def _note_slowness(self, trip: Trip) -> bool:
        """Whether *trip* is slow; one that began before the width was halved last says nothing of the width now."""
        execution = self.plan.policy.execution
        share = self._share(trip)
        if share > execution.slow_factor * self._correction and not trip.slow:
            trip.slow = True
            if execution.adaptive and trip.since >= self._narrowed_at:
                self._narrow(f"{trip.step.vm_name} takes {share:.1f} times what the plan estimates for it")
        return trip.slow

    def _narrow(self, why: str) -> None:
        self._in_time, self._narrowed_at = 0, self.clock.monotonic()
        self._become(max(1, min(self.width, len(self._trips)) // 2), why)

    def _widen(self) -> None:
        self._in_time += 1
        if self.width < self.plan.policy.limits.concurrent and self._in_time >= self.width:
            told = counted(self._in_time, "migration was", "migrations were")
            self._in_time = 0
            self._become(self.width + 1, f"{told} in time")

    def _become(self, width: int, why: str) -> None:
        if width != self.width:
            self.width = width
            self.reporter.noticed("", f"from now on {counted(width, 'migration')} at once, at most: {why}")
