"""What was recorded becomes the profile of a night, and the day that came."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rebalancer.demand import Quality
from rebalancer.demand.recording import Recording, read_recording, whole_day_from
from rebalancer.errors import InputError, MetricsRefused
from rebalancer.policy import Policy
from tests.pools import make_pool, make_vm
from tests.whatif.replay.recorded import MONDAY, recording_of

POOL = make_pool(vms=[make_vm("a"), make_vm("b", on="h2")])
DEMAND = Policy.model_validate({"demand": {"window_days": 2, "percentile": 50}}).demand


def test_a_night_knows_the_days_before_alone() -> None:
    """The lower of two days of the window, and nothing of the third, though it was recorded."""
    recording = recording_of(POOL, {"a": [0.5, 1.5, 2.0], "b": [0.2, 0.2, 0.0]}, own=1.0)
    profile = recording.profile(POOL, DEMAND, MONDAY + timedelta(days=2))
    assert profile.vm_pcpu == pytest.approx(np.array([[0.5] * 24, [0.2] * 24]))
    assert profile.host_base_pcpu == pytest.approx(np.ones((2, 24)))
    assert set(profile.quality.values()) == {Quality.MEASURED}
    assert profile.refused == {}


def test_a_vm_takes_its_past_along_and_leaves_the_host_its_own() -> None:
    """Once `a` is on the second host, its use counts there, and what hosts use themselves stays what it was."""
    recording = recording_of(POOL, {"a": [2.0, 2.0, 2.0], "b": [1.0, 1.0, 1.0]}, own=0.5)
    moved = replace(POOL, vms={**POOL.vms, "a": replace(POOL.vms["a"], resident_on="h2")})
    profile = recording.profile(moved, DEMAND, MONDAY + timedelta(days=2))
    assert profile.host_base_pcpu == pytest.approx(np.full((2, 24), 0.5))


def test_the_day_that_came_is_hour_by_hour() -> None:
    """24 slots of the third day; what is missing is the mean of what is known, and a VM without any has its vCPUs."""
    recording = recording_of(POOL, {"a": [1.0, 1.0, 2.0]})
    holed = recording.vm_pcpu.copy()
    holed[0, 50] = np.nan
    came = replace(recording, vm_pcpu=holed).came(POOL, MONDAY + timedelta(days=2))
    assert came.vm_pcpu.shape == (2, 24)
    assert came.vm_pcpu[0, [0, 1, 3]].tolist() == [2.0, 2.0, 2.0]
    assert came.vm_pcpu[0, 2] == pytest.approx((48 * 1.0 + 23 * 2.0) / 71)
    assert came.vm_pcpu[1].tolist() == [2.0] * 24
    assert came.host_base_pcpu.tolist() == [[0.0] * 24] * 2


def table(folder: Path, rows: list[str]) -> Path:
    """A CSV file."""
    path = folder / "traces.csv"
    path.write_text("\n".join(["vm_uuid,host_uuid,time,pcpu", *rows]) + "\n", encoding="utf-8")
    return path


def test_a_table_is_read(tmp_path: Path) -> None:
    """Two intervals of an hour are their mean, and a host's own use is what it used less its VM."""
    rows = ["a,,2026-03-02T10:00Z,1.0", "a,,2026-03-02T10:30Z,2.0", "a,,2026-03-02T12:00Z,0.5"]
    recording = read_recording(table(tmp_path, [*rows, ",h1,2026-03-02T10:00Z,2.25"]), POOL)
    assert recording.vms == ("a", "b")
    assert (recording.start, recording.hours) == (MONDAY.replace(hour=10), 3)
    assert recording.vm_pcpu[0] == pytest.approx([1.5, np.nan, 0.5], nan_ok=True)
    assert recording.own_pcpu[0] == pytest.approx([0.75, np.nan, np.nan], nan_ok=True)
    assert recording.unknown_share() == pytest.approx(4 / 6)
    assert whole_day_from(recording.start) == MONDAY.replace(day=3)
    assert recording.end == MONDAY.replace(hour=13)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "it has no row"),
        (["a,,2026-03-02,1", "a,,2036-03-02,1"], "it reaches from 2026-03-02 to 2036-03-02"),
        (["a,,yesterday,1"], "no time that can be read"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, rows: list[str], words: str) -> None:
    """In a sentence."""
    with pytest.raises(InputError, match=words):
        read_recording(table(tmp_path, rows), POOL)


def test_impossible_numbers_are_refused(tmp_path: Path) -> None:
    """Percent in place of pCPUs."""
    with pytest.raises(MetricsRefused, match="50 pCPU at 2026-03-02 00:00 UTC is impossible with 2 vCPUs"):
        read_recording(table(tmp_path, ["a,,2026-03-02,50"]), POOL)


def test_too_little_is_refused_as_it_is_on_any_night() -> None:
    """A recording without a point of the VMs of the pool."""
    nothing: Recording = recording_of(make_pool(), {"x": [1.0, 1.0, 1.0]})
    with pytest.raises(MetricsRefused, match="no running VM has a point"):
        nothing.profile(POOL, DEMAND, MONDAY + timedelta(days=2))
