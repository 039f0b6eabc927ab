"""A forecast from the front door: by a file, and by the history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

import rebalancer as rb
from rebalancer.face.history import History

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 20
GIB = 1 << 30


@pytest.fixture
def model(snapshot: Path) -> rb.Model:
    """The demo's pool."""
    return rb.Model(rb.read(snapshot))


def past_of(model: rb.Model, *, growth: float) -> History:
    """A history of 20 days: one VM uses more each day, hosts one pCPU together, and memory grows by 5 GiB."""
    pool = model.state.pool
    times = [START + hour * timedelta(hours=1) for hour in range(DAYS * 24)]
    vm, host = next(pool.resident_guests()).uuid, next(iter(pool.hosts))
    use = [20 + growth * (hour // 24) + 0.3 * np.sin(hour) for hour in range(len(times))]
    load = pd.DataFrame({"vm_uuid": vm, "vm": "x", "pool_uuid": pool.uuid, "time": times, "pcpu": use})
    own = pd.DataFrame({"host_uuid": host, "host": "x", "pool_uuid": pool.uuid, "time": times, "pcpu": 1.0})
    other = load.assign(pool_uuid="another", pcpu=1000.0)
    nights = pd.DataFrame(
        {
            "pool_uuid": pool.uuid,
            "began_at": times[::24],
            "memory_used_bytes": [(200 + 5 * day) * GIB for day in range(DAYS)],
            "memory_total_bytes": 350 * GIB,
        }
    )
    told = Mock(spec=History)
    told.load.return_value, told.host_load.return_value = pd.concat([load, other]), own
    told.nights.return_value = nights
    return cast("History", told)


def test_a_history_tells_of_cpu_and_memory(model: rb.Model) -> None:
    """40 pCPUs are 56, and 295 GiB 350, after so many days; what other pools used does not count."""
    frame = rb.forecast(model, past=past_of(model, growth=1.0)).frame()
    assert list(frame.index) == ["cpu", "memory"]
    assert frame.loc["memory", "runway_days"] == pytest.approx(12, abs=1)
    assert frame.loc["cpu", "now"] == pytest.approx(40, abs=0.5)
    assert frame.loc["cpu", "runway_days"] == pytest.approx(16, abs=2)


def test_one_past_is_given() -> None:
    """Neither or both is refused, before anything is read."""
    model = object.__new__(rb.Model)
    with pytest.raises(rb.errors.InputError, match="takes recorded load or a history"):
        rb.forecast(model)


def test_what_is_not_known_is_not_drawn(desk: Path) -> None:
    """A file tells nothing of memory."""
    found = rb.forecast(rb.Model(rb.read(desk / "pool.json.gz")), desk / "traces.csv")
    with pytest.raises(rb.errors.InputError, match="nothing is known of it"):
        found.plot("memory")
