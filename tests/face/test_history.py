"""Earlier nights as DataFrames."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

import rebalancer as rb
from rebalancer.demand.tables import profile_from_table
from rebalancer.history.place import HistoryPlace
from rebalancer.history.samples import keep_samples
from rebalancer.history.store import Store
from rebalancer.plan import digest_of
from rebalancer.policy import DemandPolicy
from tests.history.loads import profile, rows_of
from tests.history.made import PLAN, POOL, live_through


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with a night of yesterday, and a week of load."""
    made_at = datetime.now(UTC) - timedelta(days=1)
    plan = replace(PLAN, made_at=made_at)
    live_through(tmp_path, replace(plan, digest=digest_of(plan)))
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=168)
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        keep_samples(store, POOL, profile(start, 168, seed=1))
    return tmp_path


def test_answers_name_things_and_carry_uuids(state: Path) -> None:
    """A row a night, a try, a host, an objective; units stand in the names of columns."""
    past = rb.history(state_dir=state)
    (night,) = past.nights()[["pool", "pool_uuid", "verdict", "done"]].to_numpy().tolist()
    assert night == [POOL.name, POOL.uuid, "done", 2]
    assert past.moves(host="h2")[["vm", "vm_uuid", "gib", "seconds"]].to_numpy().tolist() == [["a", "a", 2.0, 60.0]]
    assert set(past.hosts()["host_uuid"]) == {"h1", "h2", "h3"}
    assert {"before", "after", "bound", "unit"} <= set(past.objectives().columns)
    assert len(past.moves(days=0)) == 0
    assert past.checks().empty
    assert {"peak_predicted_share", "peak_measured_share"} <= set(past.peaks().columns)


def test_load_is_what_was_measured(state: Path, tmp_path: Path) -> None:
    """Every hour that is known; as a table it serves in place of metrics."""
    past = rb.history(state_dir=state)
    load, own = past.load(), past.host_load()
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=168)
    rows = pd.DataFrame(rows_of(profile(start, 168, seed=1)))
    assert len(load) + len(own) == int(rows.notna().to_numpy().sum())
    assert set(load["vm_uuid"]) == {"a", "b", "c"}
    assert own["pcpu"].sum() == pytest.approx(float(rows.iloc[3:].sum().sum()))
    load[["vm_uuid", "time", "pcpu"]].to_csv(tmp_path / "traces.csv", index=False)
    made = profile_from_table(tmp_path / "traces.csv", POOL, DemandPolicy(minimum_coverage=0.5))
    assert made.series
    assert pd.DataFrame(made.series.vm_pcpu).sum().sum() == pytest.approx(float(rows.iloc[:3].sum().sum()), rel=0.02)
