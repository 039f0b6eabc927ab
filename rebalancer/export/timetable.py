"""The timetable of a plan for people: when each step begins and ends, what runs beside it, what the window holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil, floor

from rebalancer.plan import Plan, Step
from rebalancer.units import counted, duration_in_words, interval_in_words, moment_in_words

WIDTH = 28
"""Characters from the start of the plan to its end."""
MINUTE = 60
TIMES = ("step", "VM", "start", "end", "takes", "")
"""The headings of `rows`."""


def offset(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:30`: minutes and seconds after the start of the plan, with hours where there are any."""
    return _clock(round(seconds))


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def how_long(step: Step) -> str:
    """`1:07 (0:40 to 2:15)`: how long *step* takes; both ends are rounded outwards."""
    return f"{offset(step.seconds)} ({_clock(floor(step.seconds_low))} to {_clock(ceil(step.seconds_high))})"


def bar(step: Step, plan: Plan) -> str:
    """The time of *step* as a bar under that of the whole plan; at least one character."""
    scale = WIDTH / plan.schedule.seconds if plan.schedule.seconds else 0.0
    begins = min(WIDTH - 1, int(step.start_seconds * scale))
    return " " * begins + "=" * max(1, round(step.end_seconds * scale) - begins)


def rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    """Step, VM, start, end, how long it takes, and its bar: one row a step."""
    for step in plan.steps:
        times = offset(step.start_seconds), offset(step.end_seconds), how_long(step)
        yield (step.id, step.vm_name, *times, bar(step, plan))


def remarks(plan: Plan) -> Iterator[str]:
    """How long the plan takes and why not less, what may run at once, when it may begin, and what does not fit."""
    schedule, limits = plan.schedule, plan.policy.limits
    takes = interval_in_words(schedule.seconds_low, schedule.seconds, schedule.seconds_high)
    least = f"{duration_in_words(schedule.bound_seconds)} ({schedule.bound_by})"
    yield f"It takes {takes}. No schedule of these steps is shorter than {least}; gap {schedule.gap:.1%}."
    link = f", {limits.per_link} over one network" if limits.per_link else ""
    at_once = f"{limits.concurrent} in the pool, {limits.out_per_host} out of a host, {limits.in_per_host} into a host"
    yield f"At most at once: {at_once}{link}."
    yield _rests_on(plan)
    yield from window_remarks(plan)


def _rests_on(plan: Plan) -> str:
    steps = plan.made_from.pace.steps
    if steps:
        return f"The times rest on {counted(steps, 'step')} of earlier runs in this pool."
    return "The times are assumptions: no earlier run in this pool has taught any better."


def window_remarks(plan: Plan) -> Iterator[str]:
    """When the plan begins and ends by the clock, if the policy has windows."""
    schedule = plan.schedule

    def clock(time: datetime) -> str:
        return moment_in_words(time, plan.policy.timezone)

    if schedule.begins_at > plan.expires_at:
        opens, expires = clock(schedule.begins_at), clock(plan.expires_at)
        yield f"Its window opens at {opens}, and it expires at {expires}, before that: raise plan.expires_hours."
    if schedule.closes_at is None or not plan.steps:
        return
    done = schedule.begins_at + timedelta(seconds=schedule.seconds)
    latest = schedule.begins_at + timedelta(seconds=schedule.seconds_high)
    begins, ends = clock(schedule.begins_at), f"done about {clock(done)}, at the latest {clock(_next_minute(latest))}"
    times = f"{begins}, {'done within that minute' if clock(latest) == begins else ends}"
    yield f"Window: begins {times}; the window closes {clock(schedule.closes_at)}."
    if schedule.late:
        steps = counted(len(schedule.late), "step does", "steps do")
        yield f"{steps} not fit before it closes, and stay for another time: {', '.join(schedule.late)}."
    elif latest > schedule.closes_at:
        yield "All steps fit if they take as long as is likely; slow ones can push the last beyond the window."


def _next_minute(time: datetime) -> datetime:
    """*time*, or the first full minute after it: clocks that show no seconds must not show it earlier than it is."""
    whole = time.replace(second=0, microsecond=0)
    return whole if whole == time else whole + timedelta(minutes=1)
