"""Random hours of load of a small pool."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile, Series
from tests.history.made import POOL
from tests.plan.made import demand_of

START = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
GUESTS = ("a", "b", "c")
HOSTS = ("h1", "h2", "h3")


def profile(start: datetime, hours: int, seed: int) -> LoadProfile:
    """Random hours of all VMs and hosts, some of them unknown."""
    rng = np.random.default_rng(seed)
    rows = np.round(rng.uniform(0, 2, (6, hours)), 4)
    rows[rng.random((6, hours)) < 0.2] = np.nan
    series = Series(vm_pcpu=rows[:3], host_base_pcpu=rows[3:])
    made = demand_of(POOL, dict.fromkeys(GUESTS, 1.0))
    return replace(made, window_start=start, window_end=start + timedelta(hours=hours), series=series)


def rows_of(demand: LoadProfile) -> NDArray[np.float64]:
    """All hours of a profile, shape (VMs and hosts, hours)."""
    assert demand.series
    return np.vstack([demand.series.vm_pcpu, demand.series.host_base_pcpu])
