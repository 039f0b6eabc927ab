"""What a pool used, hour by hour, in as many days as are known: as a whole, and each VM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rebalancer.inventory import Uuid

LEAST_HOURS = 20
"""Known hours without which a day has no busiest hour."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PastHours:
    """Hourly means of a pool.

    Args:
        start: the first hour, UTC.
        total_pcpu: pCPUs of all that was measured, VMs that are gone included, shape (hours,), NaN where nothing was.
        vms: the VMs of the pool, one row of `vm_pcpu` each.
        vm_pcpu: pCPUs, shape (VMs, hours), NaN where it is not known.
    """

    start: datetime
    total_pcpu: NDArray[np.float64]
    vms: tuple[Uuid, ...]
    vm_pcpu: NDArray[np.float64]

    def daily_peaks(self, timezone: str) -> tuple[tuple[date, ...], NDArray[np.float64]]:
        """The busiest hour of each day in *timezone*, in pCPUs; days of which less than 20 hours are known are NaN.

        Days at either end that are not known are left out.
        """
        times = pd.date_range(self.start, periods=len(self.total_pcpu), freq="h").tz_convert(ZoneInfo(timezone))
        days = pd.Series(self.total_pcpu).groupby(times.date)
        peaks = days.max().where(days.count() >= LEAST_HOURS)
        known = peaks.loc[peaks.first_valid_index() : peaks.last_valid_index()] if peaks.notna().any() else peaks[:0]
        return tuple(known.index), np.asarray(known, dtype=np.float64)


def past_hours(samples: pd.DataFrame, vms: Sequence[Uuid], *, hosts_alone: bool) -> PastHours:
    """The hours of *samples*.

    Args:
        samples: columns `uuid`, `owner` (`vm` or `host`), `time` (UTC), `pcpu`; at least one row.
        vms: the VMs of which hours are kept.
        hosts_alone: whether rows of hosts are what they used for themselves; else their VMs are part of it, and the
            larger sum counts.
    """
    hours = samples.assign(hour=samples["time"].dt.floor("h"))
    means = hours.groupby(["owner", "uuid", "hour"], observed=True)["pcpu"].mean()
    whole = pd.date_range(hours["hour"].min(), hours["hour"].max(), freq="h")
    sums = means.groupby(["owner", "hour"], observed=True).sum(min_count=1).unstack("owner").reindex(whole)  # noqa: PD010 - an index becomes columns
    total = sums.sum(axis=1, min_count=1) if hosts_alone else sums.max(axis=1)
    each = means.loc["vm"].unstack("hour") if "vm" in sums else pd.DataFrame()  # noqa: PD010 - likewise
    rows = each.reindex(index=list(vms), columns=whole).to_numpy(dtype=np.float64)
    return PastHours(
        start=whole[0].to_pydatetime(), total_pcpu=total.to_numpy(dtype=np.float64), vms=tuple(vms), vm_pcpu=rows
    )
