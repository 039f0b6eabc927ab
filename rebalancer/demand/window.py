"""The window that metrics are read in, and the slots that its hours fall into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from rebalancer.units import slot_at

HOURS_OF_DAY = 24
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """So many whole hours from `start`, UTC."""

    start: datetime
    hours: int

    @property
    def end(self) -> datetime:
        """The moment after the last hour."""
        return self.start + self.hours * HOUR

    def slots(self, count: int, timezone: str) -> NDArray[np.int64]:
        """The slot of each hour by the clocks of *timezone*, shape (hours,).

        With 24 slots the hour of the day, with 168 that of the week from Monday. When clocks go back, two hours fall
        into one slot; when they go forward, none falls into the skipped one.
        """
        zone = ZoneInfo(timezone)
        local = [(self.start + hour * HOUR).astimezone(zone) for hour in range(self.hours)]
        return np.array([slot_at(each, count) for each in local], dtype=np.int64)


def window_before(end: datetime, days: int) -> Window:
    """The last whole hours of *days* days before *end*; the hour that *end* is in is not over and does not count."""
    last = end.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return Window(start=last - timedelta(days=days), hours=days * HOURS_OF_DAY)
