"""Snapshots of recorded days: each hour is written once, as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rebalancer.demand import LoadProfile, Quality, Series, in_form
from rebalancer.errors import SnapshotError
from rebalancer.inventory import Pool
from rebalancer.policy import DemandPolicy
from rebalancer.snapshot import Snapshot, read_snapshot, write_snapshot
from tests.pools import make_pool, make_vm

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def of_days(pool: Pool, hours: int = 48) -> LoadProfile:
    """A profile of recorded days with its hours, some of them missing, and a VM that is unknown."""
    chance = np.random.default_rng(3)
    vms, hosts = [vm.uuid for vm in pool.resident_guests()], [*pool.hosts]
    series = Series(
        vm_pcpu=chance.integers(0, 20_000, (len(vms), hours)) / 10_000,
        host_base_pcpu=chance.integers(0, 5000, (len(hosts), hours)) / 10_000,
    )
    series.vm_pcpu[0, [3, 30]] = np.nan
    bare = LoadProfile(
        vms=tuple(vms),
        hosts=tuple(hosts),
        vm_pcpu=np.ones((len(vms), 24)),
        host_base_pcpu=np.zeros((len(hosts), 24)),
        slot_hours=1.0,
        quality={vm: Quality.UNKNOWN if vm == vms[-1] else Quality.MEASURED for vm in vms},
        percentile=95.0,
        window_start=NOON - timedelta(hours=hours),
        window_end=NOON,
        timezone="UTC",
        source="a test",
        series=series,
    )
    return in_form(bare, DemandPolicy.model_validate({"form": "days", "half_life_days": 3.0}))


def taken() -> Snapshot:
    """Three VMs on two hosts."""
    pool = make_pool(vms=[make_vm("a", on="h1"), make_vm("b", on="h1"), make_vm("c", on="h2")])
    return Snapshot(pool=pool, demand=of_days(pool), taken_at=NOON, source="https://pool")


def test_recorded_days_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Days, weights and every hour, although each is written once."""
    snapshot = taken()
    write_snapshot(snapshot, tmp_path / "pool.json")
    assert read_snapshot(tmp_path / "pool.json") == snapshot
    rows = json.loads((tmp_path / "pool.json").read_text())["demand"]["vm_pcpu"]
    assert rows == [[], [], [1.0]]


def test_hours_of_percentiles_come_back(tmp_path: Path) -> None:
    """With them, and with peaks in every digit, so that any policy finds what it asks for."""
    snapshot = taken()
    assert snapshot.demand is not None
    asked = DemandPolicy.model_validate({"robust": True})
    snapshot = replace(snapshot, demand=in_form(snapshot.demand, asked))
    write_snapshot(snapshot, tmp_path / "pool.json.gz")
    found = read_snapshot(tmp_path / "pool.json.gz")
    assert found == snapshot
    assert found.demand is not None
    assert in_form(found.demand, DemandPolicy.model_validate({"form": "days", "half_life_days": 3.0})) == taken().demand


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda demand: demand["days"][0].update(weight=0), "demand.days[0].weight should be greater than 0"),
        (lambda demand: demand.update(vm_pcpu=[[1.0, 2.0]] * 3), "the load profile's lists differ in length"),
        (lambda demand: demand["days"][0].update(start="2026-01-01T00:00:00Z"), "days outside its window"),
        (lambda demand: demand["series"]["vm_pcpu"].pop(), "the load profile's hours are not those of its window"),
        (lambda demand: demand["series"]["vm_pcpu"].__setitem__(0, "1 2"), "the load profile's hours differ"),
        (lambda demand: demand["series"]["vm_pcpu"].__setitem__(0, "one"), "hours are whole numbers and dots"),
        (lambda demand: demand.update(window_end="2026-11-22T13:00:00Z"), "hours are not those of its window"),
        (lambda demand: demand["vm_pcpu"].append([]), "the load profile's lists differ in length"),
    ],
)
def test_days_that_contradict_themselves_are_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    """Hours outside the window, of other VMs, or no hours at all."""
    write_snapshot(taken(), tmp_path / "pool.json")
    document = json.loads((tmp_path / "pool.json").read_text())
    change(document["demand"])
    (tmp_path / "pool.json").write_text(json.dumps(document))
    with pytest.raises(SnapshotError) as raised:
        read_snapshot(tmp_path / "pool.json")
    assert problem in str(raised.value)
