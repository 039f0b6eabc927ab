"""The sections of a policy that say at which hours migrations may start."""

from __future__ import annotations

import re
from datetime import time
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from rebalancer.policy.sections import Section, Zone

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")


def _clock(value: object) -> time:
    """A time of day from `HH:MM` or, as TOML writes times, `HH:MM:SS`: a wall-clock time without an offset."""
    if isinstance(value, time):
        return value
    if not _CLOCK.fullmatch(str(value)):
        raise ValueError(f"{value!r} is not a time of day such as '22:30'")
    return time.fromisoformat(str(value))


Clock = Annotated[time, BeforeValidator(_clock)]


class Day(StrEnum):
    """Days on which a window opens."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class WindowPolicy(Section):
    """When `nightly` and `apply` may start migrations, or as a blackout when they may not.

    Opens at `start` on each of `days` and closes at the next `end`, which may be on the day after; equal times make
    24 hours. `timezone` is that of the policy where it is not given.
    """

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = tuple(Day)
    start: Clock
    end: Clock
    timezone: Zone | None = None
