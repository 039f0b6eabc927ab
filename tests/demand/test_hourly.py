from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rebalancer.demand.forms import slot_percentiles
from rebalancer.demand.hourly import hourly_means
from rebalancer.demand.window import window_before

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def test_the_window_ends_with_the_last_whole_hour() -> None:
    """The hour that is not over does not count."""
    window = window_before(MONDAY + timedelta(hours=5, minutes=59), 7)
    assert (window.start, window.end) == (
        MONDAY - timedelta(days=7) + timedelta(hours=5),
        MONDAY + timedelta(hours=5),
    )


def test_slots_follow_local_clocks() -> None:
    """Slot 0 is midnight in the policy's zone; with 168 slots it is Monday's."""
    window = window_before(MONDAY, 7)
    assert window.slots(24, "UTC")[:3].tolist() == [0, 1, 2]
    assert window.slots(24, "Europe/Berlin")[:3].tolist() == [1, 2, 3]
    assert window.slots(24, "Asia/Kolkata")[:3].tolist() == [5, 6, 7]
    assert window.slots(168, "UTC").tolist() == list(range(168))


@pytest.mark.parametrize(
    ("end", "hour_two"), [(datetime(2026, 3, 30, tzinfo=UTC), 0), (datetime(2026, 10, 26, tzinfo=UTC), 2)]
)
def test_clock_changes_skip_and_repeat_a_slot(end: datetime, hour_two: int) -> None:
    """The day to summer time has no 02:00, the day back has it twice; all other slots have one hour a day."""
    slots = window_before(end, 1).slots(24, "Europe/Berlin")
    counts = np.bincount(slots, minlength=24)
    assert counts.sum() == 24
    assert counts[2] == hour_two


def test_samples_of_one_hour_become_its_mean() -> None:
    """Five-minute samples average; other uuids, NaN and times outside count nothing."""
    window = window_before(MONDAY, 1)
    times = [0, 5, 60, 60, -1, 24 * 60, 120]
    samples = pd.DataFrame(
        {
            "uuid": ["a", "a", "a", "ghost", "a", "a", "a"],
            "time": [pd.Timestamp(window.start) + pd.Timedelta(minutes=each) for each in times],
            "pcpu": [0.2, 0.4, 0.5, 9.0, 9.0, 9.0, np.nan],
        }
    )
    means = hourly_means(samples, ["a", "b"], window)
    assert means.shape == (2, 24)
    assert means[0, :3].tolist() == pytest.approx([0.3, 0.5, np.nan], nan_ok=True)
    assert np.isnan(means[0, 3:]).all()
    assert np.isnan(means[1]).all()


@given(
    arrays(np.float64, (3, 48), elements=st.one_of(st.just(np.nan), st.floats(0, 64))),
    st.integers(0, 400).map(lambda quarters: quarters / 4),
    st.sampled_from([1, 5, 24]),
)
def test_percentiles_agree_with_numpy(means: np.ndarray, percentile: float, slots: int) -> None:
    """Each slot is one of the known values by its rank, as `numpy.percentile` says, and NaN where there is none."""
    slot_of_hour = np.arange(48) % slots
    found = slot_percentiles(means, slot_of_hour, slots, percentile)
    for row in range(3):
        for slot in range(slots):
            values = means[row, slot_of_hour == slot]
            known = values[~np.isnan(values)]
            expected = np.percentile(known, percentile, method="lower") if len(known) else np.nan
            assert found[row, slot] == pytest.approx(expected, nan_ok=True, abs=1e-9)


def test_a_slot_without_hours_is_unknown() -> None:
    """24 slots over 12 hours: the rest is NaN."""
    found = slot_percentiles(np.ones((2, 12)), np.arange(12), 24, 95)
    assert np.isnan(found[:, 12:]).all()
    assert (found[:, :12] == 1).all()
