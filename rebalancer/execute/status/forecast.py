"""When the steps of a run that is under way will be done: by their estimates, the pace so far, and the limits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rebalancer.plan import Plan, Step
from rebalancer.schedule.lanes import Job, dispatch

SLOWEST: Final = 10.0
"""How many times slower, or faster, than estimated all steps are thought to be at most, whatever the first one was."""
TICKS: Final = 10
"""A second has so many in a schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A step that has been on its way for `elapsed` seconds, and got as far as `share`, 0 to 1."""

    elapsed: float
    share: float

    def left(self, likely: float) -> float:
        """Seconds until it is over, if steps like it take *likely* seconds.

        The further it is, the more counts how long it took so far.
        """
        if not self.share:
            return max(0.0, likely - self.elapsed)
        return (1 - self.share) * (self.elapsed + (1 - self.share) * likely)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunForecast:
    """Seconds from now until each step is done, by id, and until all are; those that nobody can tell are not in it."""

    ends: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """Until the last of them is done."""
        return max(self.ends.values(), default=0.0)


def pace_of(took: Mapping[str, float], plan: Plan) -> float:
    """How many times as long as estimated the steps of *plan* take, by those that *took* so many seconds.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> rb.execute.pace_of({"s01": 2 * plan.steps[0].seconds}, plan)
        2.0
    """
    estimated = sum(step.seconds for step in plan.steps if step.id in took)
    if not estimated or not sum(took.values()):
        return 1.0
    return min(SLOWEST, max(1 / SLOWEST, sum(took.values()) / estimated))


def forecast(
    plan: Plan, *, done: Collection[str], under_way: Mapping[str, UnderWay], held: Collection[str], pace: float = 1.0
) -> RunForecast:
    """When what is left of *plan* will be done, launched as soon as `after` and the limits of its policy allow.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> ahead = rb.execute.forecast(plan, done=["s01"], under_way={}, held=["s02"])
        >>> sorted(ahead.ends)
        ['s03', 's04', 's05']

    Args:
        plan: the plan.
        done: ids of the steps that are done.
        under_way: those that are on their way.
        held: those that wait for something that nobody can tell the end of; so does what waits for them.
        pace: how many times as long as estimated steps take.
    """
    left = list(_told(plan, done, held))
    places = {step.id: place for place, step in enumerate(left)}
    jobs = [
        Job(
            migration=step.migration,
            ticks=max(1, round(TICKS * _seconds(step, under_way.get(step.id), pace))),
            after=() if step.id in under_way else tuple(places[each] for each in step.after if each in places),
            network=step.network,
        )
        for step in left
    ]
    rank = sorted(range(len(left)), key=lambda place: (left[place].id not in under_way, place))
    starts = dispatch(jobs, plan.policy.limits, rank)
    ends = {step.id: (starts[place] + jobs[place].ticks) / TICKS for place, step in enumerate(left)}
    return RunForecast(ends=ends)


def _told(plan: Plan, done: Collection[str], held: Collection[str]) -> Iterator[Step]:
    """The steps that are left, without those that are held and all that waits for them."""
    out = set(held)
    for step in plan.steps:
        if step.id in done:
            continue
        if step.id in out or out.intersection(step.after):
            out.add(step.id)
        else:
            yield step


def _seconds(step: Step, way: UnderWay | None, pace: float) -> float:
    return way.left(pace * step.seconds) if way else pace * step.seconds
