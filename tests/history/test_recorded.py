"""What replays take from the history: whole days of load, and moves that arrived."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rebalancer.execute import StepState
from rebalancer.history.fill import fill
from rebalancer.history.place import HistoryPlace
from rebalancer.history.recorded import moves_made, recording_before
from rebalancer.history.samples import keep_samples
from rebalancer.history.store import Store
from tests.history.loads import START, profile, rows_of
from tests.history.made import LONG_AGO, PLAN, POOL, live_through

HOURS = 100
"""From 05:00 of the 1st of March to 09:00 of the 5th."""


def test_whole_days_before_a_moment_are_recorded(tmp_path: Path) -> None:
    """Hour by hour as they were kept; the day that is not over is left out, and days of which nothing is known."""
    kept = profile(START, HOURS, seed=1)
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        keep_samples(store, POOL, kept)
        found = recording_before(store, POOL, START + HOURS * timedelta(hours=1), days=30)
    assert found is not None
    assert found.start == START.replace(hour=0)
    assert found.hours == 4 * 24
    told = np.vstack([found.vm_pcpu, found.own_pcpu])
    assert np.isnan(told[:, : START.hour]).all()
    assert np.allclose(told[:, START.hour :], rows_of(kept)[:, : 4 * 24 - START.hour], atol=1e-4, equal_nan=True)


def test_a_midnight_ends_its_day(tmp_path: Path) -> None:
    """So many days as are asked for, the last of them whole."""
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        keep_samples(store, POOL, profile(START, HOURS, seed=1))
        found = recording_before(store, POOL, START.replace(day=4, hour=0), days=2)
    assert found is not None
    assert (found.start, found.hours) == (START.replace(day=2, hour=0), 48)


def test_what_was_last_known_counts(tmp_path: Path) -> None:
    """Weeks after the last night, too: up to the end of the last day that is whole."""
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        keep_samples(store, POOL, profile(START, HOURS, seed=1))
        late = recording_before(store, POOL, START + timedelta(days=90), days=2)
        keep_samples(store, POOL, profile(START, 24 - START.hour + 4 * 24, seed=1))
        whole = recording_before(store, POOL, START + timedelta(days=90), days=2)
    assert late is not None
    assert whole is not None
    assert (late.start, late.hours) == (START.replace(day=3, hour=0), 48)
    assert (whole.start, whole.hours) == (START.replace(day=4, hour=0), 48)


def test_nothing_known_is_no_recording(tmp_path: Path) -> None:
    """Of a pool that was never looked at, and of the time before."""
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        assert recording_before(store, POOL, START, days=30) is None
        keep_samples(store, POOL, profile(START, HOURS, seed=1))
        assert recording_before(store, POOL, START.replace(hour=0), days=30) is None


@pytest.mark.parametrize(("state", "made"), [(StepState.MOVED, ["a"]), (StepState.STAYED, [])])
def test_moves_that_arrived_are_made(state: StepState, made: list[str], tmp_path: Path) -> None:
    """From where to where; one that failed is none."""
    live_through(tmp_path, states={PLAN.steps[0].id: state})
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        fill(store)
        found = moves_made(store, POOL, LONG_AGO, PLAN.made_at + timedelta(days=1))
        assert not moves_made(store, POOL, LONG_AGO, PLAN.made_at)
    assert [row.vm_uuid for row in found] == made
    assert all((row.source_uuid, row.target_uuid) == ("h1", "h2") for row in found)
