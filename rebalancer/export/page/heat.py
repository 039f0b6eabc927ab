"""The load of each host hour by hour, before and after the plan, as strips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from rebalancer.describe.load_course import LoadCourse, Shares
from rebalancer.export.markdown import peak_in_words
from rebalancer.export.page.strips import Strip, strip_of
from rebalancer.plan import HostState, Plan
from rebalancer.slots import Slots
from rebalancer.units import DAYS, HOURS_A_DAY

OF_THRESHOLD = (0.25, 0.5, 0.75, 0.9)
"""Shares of the threshold where a colour ends; from the threshold on there are two more, up to all of the host."""
LEGEND = (
    "below a quarter of the threshold",
    "a quarter",
    "half",
    "three quarters",
    "nine tenths",
    "above the threshold",
    "all of its capacity, or more",
)
TICKS = (0, 6, 12, 18)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """A host: its strips, and its busiest hours in words."""

    name: str
    before: Strip
    after: Strip
    peak_before: str
    peak_after: str
    hot: bool


def heat_rows(plan: Plan, course: LoadCourse) -> Iterator[HeatRow]:
    """Each host whose load is known, in the order of the plan."""
    threshold, before, after = plan.policy.objective.threshold, course.before(), course.after()
    for row in plan.hosts:
        if row.uuid in before:
            yield HeatRow(
                name=row.name,
                before=_strip(before[row.uuid], row.before, plan),
                after=_strip(after[row.uuid], row.after, plan),
                peak_before=peak_in_words(row.before, plan.when),
                peak_after=peak_in_words(row.after, plan.when),
                hot=(row.after.peak_share or 0.0) > threshold,
            )


def _strip(shares: Shares, state: HostState, plan: Plan) -> Strip:
    threshold = plan.policy.objective.threshold
    edges = (*(share * threshold for share in OF_THRESHOLD), threshold + 1e-9, max(1.0, threshold) + 1e-9)
    return strip_of([float(each) for each in shares], edges, f"at most {peak_in_words(state, plan.when)}")


def axis(when: Slots) -> tuple[str, ...]:
    """What stands below a strip of the slots of *when*, evenly from left to right.

    Of recorded days the day of the week; of more than a week only some, with their date.
    """
    if when.days:
        every = ceil(len(when.days) / len(DAYS))
        names = [when.short_words(day * HOURS_A_DAY).split(" ") for day in range(len(when.days))]
        told = [day if every == 1 else f"{day} {date}" for day, date, *_ in names]
        return tuple("" if number % every else each for number, each in enumerate(told))
    if when.count == HOURS_A_DAY:
        return tuple(f"{hour:02}" for hour in TICKS)
    return DAYS if when.count == len(DAYS) * HOURS_A_DAY else ()
