"""Until when a run may last, as people say it: a time of day, or a moment."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rebalancer.errors import InputError
from rebalancer.policy import Policy

OPTION = "--until"
LONGEST = timedelta(days=7)
"""No run is meant to last longer."""
HERE = "this machine's time zone"


def deadline_of(policy: Policy, *, until: str | None, minutes: int | None) -> tuple[datetime | None, str]:
    """The moment, in UTC, by which migrations under *policy* have to end, and how *until* was understood, in words.

    Of *until* and *minutes* from now the first counts; None where neither is given.

    Raises:
        InputError: *until* cannot be used.
    """
    now = datetime.now(UTC)
    last = [now + timedelta(minutes=minutes)] if minutes is not None else []
    if until is None:
        return min(last, default=None), ""
    at, words = understood(until, policy, now)
    return min([at, *last]), words


def understood(text: str, policy: Policy, now: datetime) -> tuple[datetime, str]:
    """The moment that *text* means, in UTC, and in words whose clocks count.

    A time of day is the next one, by the clocks of the change windows of *policy*, else by this machine's. A moment in
    ISO 8601 may carry an offset of its own.

    Raises:
        InputError: it is neither, it is over, or more than a week away; the windows are in several time zones.
    """
    moment = _moment(text)
    if isinstance(moment, datetime) and moment.tzinfo:
        at, whose = moment.astimezone(UTC), "as given"
    else:
        zone = _zone(policy)
        whose = f"{zone}, the time zone of the plan's change windows" if zone else HERE
        at = _next(moment, zone, now) if isinstance(moment, time) else _at(moment, zone)
    if not now < at <= now + LONGEST:
        problem = f"{text} is {at:%Y-%m-%d %H:%M} UTC, which is {'over' if at <= now else 'more than a week away'}"
        raise InputError(OPTION, problem, "Name a moment of the next seven days")
    return at, f"starting nothing that would not end by {text} ({whose}): {at:%Y-%m-%d %H:%M} UTC"


def _moment(text: str) -> time | datetime:
    """What *text* says; a time of day has no date."""
    for read in (time.fromisoformat, datetime.fromisoformat):
        try:
            found = read(text)
        except ValueError:
            continue
        if isinstance(found, datetime) or not found.tzinfo:
            return found
    remedy = "Write a time of day such as 05:00, or a moment such as 2026-03-02T05:00+01:00"
    raise InputError(OPTION, f"{text!r} is no time", remedy)


def _zone(policy: Policy) -> ZoneInfo | None:
    """That of the windows of *policy*; None where it has none.

    Raises:
        InputError: they have several.
    """
    zones = sorted({window.timezone or policy.timezone for window in policy.window})
    if len(zones) > 1:
        problem = f"the plan's change windows are in several time zones ({', '.join(zones)})"
        raise InputError(OPTION, problem, "Give the moment with its offset, such as 2026-03-02T05:00+01:00")
    return ZoneInfo(zones[0]) if zones else None


def _next(day_time: time, zone: ZoneInfo | None, now: datetime) -> datetime:
    """When clocks show *day_time* next after *now*."""
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=number) for number in range(3))
    return next(at for day in days if (at := _at(datetime.combine(day, day_time), zone)) > now)


def _at(shown: datetime, zone: ZoneInfo | None) -> datetime:
    """The moment at which the clocks of *zone*, or of this machine, show *shown*."""
    return (shown.replace(tzinfo=zone) if zone else shown).astimezone(UTC)
