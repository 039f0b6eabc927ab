"""When a resource of the pool runs out, by what its days so far say, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from rebalancer.whatif.forecast.ahead import Ahead, ahead

LEAST_DAYS = 14
"""Known days without which nothing is said."""
MOST_DAYS = 365
REACH = 2
"""A forecast reaches so many times as far ahead as days are known, and no further than a year."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourceDays:
    """A resource day by day: what is known, what is limit.

    Args:
        resource: `cpu` or `memory`.
        unit: of `daily` and `limit`.
        first: the first day.
        daily: one a day, NaN where it is not known; the first and the last are.
        limit: what it must not be above.
        means: what `daily` is, in words.
    """

    resource: str
    unit: str
    first: date
    daily: NDArray[np.float64]
    limit: float
    means: str

    @property
    def known_days(self) -> int:
        """Days that are known."""
        return int((~np.isnan(self.daily)).sum())

    @property
    def last(self) -> date:
        """The last day that is known."""
        return self.first + timedelta(days=len(self.daily) - 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runway:
    """What is left of a resource.

    Args:
        course: what is known.
        ahead: the days to come, None where too few are known.
        words: why there is no forecast, "" where there is one.
    """

    course: ResourceDays
    ahead: Ahead | None
    words: str = ""

    @property
    def horizon(self) -> int:
        """Days that were looked ahead."""
        return len(self.ahead.middle) if self.ahead else 0

    @property
    def days(self) -> int | None:
        """Days until the middle of the forecast is above the limit; None where it stays below as far as it reaches."""
        return self._until(self.ahead.middle) if self.ahead else None

    @property
    def earliest(self) -> int | None:
        """Days until the upper end is above the limit."""
        return self._until(self.ahead.high) if self.ahead else None

    @property
    def latest(self) -> int | None:
        """Days until the lower end is above the limit."""
        return self._until(self.ahead.low) if self.ahead else None

    def _until(self, values: NDArray[np.float64]) -> int | None:
        over = np.flatnonzero(values > self.course.limit)
        return int(over[0]) + 1 if len(over) else None


def runway(course: ResourceDays) -> Runway:
    """What is left, by the days of *course*; with less than 14 known days nothing is said."""
    known = course.known_days
    if known < LEAST_DAYS:
        return Runway(course=course, ahead=None, words=f"{known} days are known; it takes {LEAST_DAYS}")
    return Runway(course=course, ahead=ahead(course.daily, min(MOST_DAYS, REACH * known)))
