"""Hours: the window that metrics are read in, the slots that its hours fall into, and the mean of each hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rebalancer.inventory import Uuid
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


def hourly_means(samples: pd.DataFrame, uuids: Sequence[Uuid], window: Window) -> NDArray[np.float64]:
    """The mean of the samples of each uuid in each hour, shape (uuids, hours), NaN where there is none.

    Samples of other uuids, outside the window, or NaN are left out.
    """
    owners = pd.Categorical(samples["uuid"])
    rows = pd.Index(list(uuids), dtype="str").get_indexer(pd.Index(owners.categories))[owners.codes]
    hours = ((samples["time"] - pd.Timestamp(window.start)) // pd.Timedelta(HOUR)).to_numpy(dtype=np.int64)
    pcpu = samples["pcpu"].to_numpy(dtype=np.float64)
    counts = (rows >= 0) & (hours >= 0) & (hours < window.hours) & ~np.isnan(pcpu)
    cells, size = rows[counts] * window.hours + hours[counts], len(uuids) * window.hours
    number = np.bincount(cells, minlength=size)
    total = np.bincount(cells, weights=pcpu[counts], minlength=size)
    means: NDArray[np.float64] = np.divide(total, number, out=np.full(size, np.nan), where=number > 0)
    return means.reshape(len(uuids), window.hours)


def slot_percentiles(
    means: NDArray[np.float64], slot_of_hour: NDArray[np.int64], slots: int, percentile: float
) -> NDArray[np.float64]:
    """The percentile of the known hours in each slot, shape (rows of *means*, slots), NaN where there is none.

    Between two hours it is interpolated, as `numpy.percentile` does by default.
    """
    columns = [_percentile(means[:, slot_of_hour == slot], percentile) for slot in range(slots)]
    return np.stack(columns, axis=1)


def _percentile(values: NDArray[np.float64], percentile: float) -> NDArray[np.float64]:
    """The percentile of the known values in each row; `numpy.nanpercentile` is a hundred times slower."""
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)
    position = np.maximum((~np.isnan(values)).sum(axis=1) - 1, 0) * (percentile / 100)
    below = np.floor(position).astype(np.int64)
    rows = np.arange(len(values))
    low, high = ordered[rows, below], ordered[rows, np.ceil(position).astype(np.int64)]
    return np.asarray(low + (high - low) * (position - below), dtype=np.float64)
