"""When each step begins and ends, as bars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rebalancer.export.timetable import how_long, offset
from rebalancer.plan import Plan, Step

WIDTH = 1000
"""Of a bar's scale, in its own units."""
LABELLED = 40
"""How many steps a picture has at most that names each beside its bar; with more there is no room."""
LAST_RIGHT = 850
"""Where a bar ends at most that has its name on the right, so that a phone has room for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBar:
    """A step: where its bar begins and how long it is, how much longer a slow one takes, and its times in words."""

    step: Step
    begins: int
    length: int
    slow: int
    start: str
    end: str
    takes: str


def bars_of(plan: Plan) -> tuple[StepBar, ...]:
    """Each step, as it stands in the plan."""
    longest = max((step.start_seconds + step.seconds_high for step in plan.steps), default=0.0)
    scale = WIDTH / max(longest, 1.0)
    return tuple(_bar(step, scale) for step in plan.steps)


def _bar(step: Step, scale: float) -> StepBar:
    return StepBar(
        step=step,
        begins=round(step.start_seconds * scale),
        length=max(2, round(step.seconds * scale)),
        slow=max(2, round(step.seconds_high * scale)),
        start=offset(step.start_seconds),
        end=offset(step.end_seconds),
        takes=how_long(step),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureBar:
    """A bar of the picture of all steps, with its step's id `at` one end, and `right` of that or left of it."""

    id: str
    begins: int
    length: int
    at: int
    right: bool


def picture(plan: Plan) -> Iterator[PictureBar]:
    """Each step, in the order in which they begin, for a picture of all of them."""
    for each in sorted(bars_of(plan), key=lambda each: (each.begins, each.step.id)):
        end = each.begins + each.length
        right = end <= LAST_RIGHT
        yield PictureBar(
            id=each.step.id,
            begins=each.begins,
            length=each.length,
            at=end if right else each.begins,
            right=right,
        )
