"""Recorded days: which count, how much, and what is known of each hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rebalancer.demand import Quality
from rebalancer.demand.days import filled_days, recorded_days
from rebalancer.demand.window import window_before
from rebalancer.policy import DemandPolicy
from tests.demand.measured import LAST, base, profile, row

NOW = datetime(2026, 11, 16, 22, 10, tzinfo=UTC)


def days_of(**changes: object) -> DemandPolicy:
    """Section `demand` in this form."""
    return DemandPolicy.model_validate({"form": "days", **changes})


def known(days: int, *, without: tuple[int, ...] = ()) -> np.ndarray:
    """Hourly means of three VMs, none on the days *without*, counted from the oldest."""
    means = np.ones((3, days, 24))
    means[:, list(without)] = np.nan
    return means.reshape(3, -1)


def test_days_begin_whole_days_before_the_last_full_hour() -> None:
    """At 22:10, they begin at 22:00, and all count alike."""
    choice = recorded_days(known(7), window_before(NOW, 7), days_of())
    assert [day.start for day in choice.days] == [
        NOW.replace(minute=0) - timedelta(days=age) for age in range(7, 0, -1)
    ]
    assert {day.weight for day in choice.days} == {1}
    assert choice.hours.tolist() == list(range(168))


def test_a_day_that_is_a_half_life_older_counts_half() -> None:
    """Weights are whole and have no common factor."""
    choice = recorded_days(known(4), window_before(NOW, 4), days_of(window_days=4, half_life_days=1.0))
    assert [day.weight for day in choice.days] == [1, 2, 4, 8]
    aged = recorded_days(known(28), window_before(NOW, 28), days_of(window_days=28, half_life_days=7.0)).days
    assert [day.weight for day in aged[6::7]] == [125, 250, 500, 1000]


def test_only_the_same_weekday_counts_where_it_is_asked_for() -> None:
    """Days that begin whole weeks ago; with fewer than two of them, all that are known."""
    settings = days_of(window_days=28, same_weekday=True)
    found = recorded_days(known(28), window_before(NOW, 28), settings)
    assert [(NOW - day.start).days for day in found.days] == [28, 21, 14, 7]
    assert found.hours[:3].tolist() == [0, 1, 2]
    assert found.hours[24] == 7 * 24
    young = recorded_days(known(28, without=tuple(range(18))), window_before(NOW, 28), settings)
    assert len(young.days) == 10


def test_days_of_which_little_is_known_are_left_out() -> None:
    """A pool of three days is judged by three days."""
    found = recorded_days(known(7, without=(0, 1, 2, 5)), window_before(NOW, 7), days_of())
    assert [(NOW - day.start).days for day in found.days] == [4, 3, 1]
    assert found.hours[::24].tolist() == [72, 96, 144]


def test_a_missing_hour_is_that_of_the_nearest_day() -> None:
    """Of two that are as near the later one; none where no day has the hour."""
    means = np.arange(5.0)[:, None] + np.zeros(24)
    means[2, 0] = means[0, 1] = means[1, 1] = means[4, 2] = np.nan
    means[:, 3] = np.nan
    filled = filled_days(means.reshape(1, -1)).reshape(5, 24)
    assert filled[:, 0].tolist() == [0, 1, 3, 3, 4]
    assert filled[:, 1].tolist() == [2, 2, 2, 3, 4]
    assert filled[:, 2].tolist() == [0, 1, 2, 3, 3]
    assert np.isnan(filled[:, 3]).all()
    assert filled[:, 4].tolist() == [0, 1, 2, 3, 4]


def test_a_profile_of_days_holds_the_hours_as_they_were() -> None:
    """Each in its place, with the host's own; the mean of seven days is 24 hours."""
    used = (np.arange(168) % 25 / 30).tolist()
    found = profile({"a": used, "dom0-h1": used}, settings=days_of())
    assert row(found, "a").tolist() == pytest.approx(used, abs=1e-4)
    assert base(found, "h1").tolist() == row(found, "a").tolist()
    assert (found.slots, found.percentile, len(found.days), sum(found.hours)) == (168, None, 7, 24)
    assert found.days[-1].start == LAST - timedelta(days=1)
    assert found.vm_deviation_pcpu is None


def test_an_unknown_vm_has_its_highest_hour_in_every_slot() -> None:
    """Where nearly nothing is known, nothing is filled in."""
    few = [0.3, *[float("nan")] * 166, 0.7]
    found = profile({"c": few}, settings=days_of())
    assert found.quality["c"] is Quality.UNKNOWN
    assert set(row(found, "c").tolist()) == {0.7}
