"""Profiles that look back further than XAPI does are what they would be had XAPI kept the hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rebalancer.demand import LoadProfile, Quality, Series, in_form
from rebalancer.demand.gate import quality_of
from rebalancer.history.lengthen import lengthened, looked_back, within_xapi
from rebalancer.history.place import HistoryPlace
from rebalancer.history.samples import keep_samples
from rebalancer.history.store import Store
from rebalancer.policy import DemandPolicy
from tests.history.loads import START, profile
from tests.history.made import POOL

WEEK = 168


def week_of(whole: LoadProfile, days_ago: int) -> LoadProfile:
    """What XAPI has of *whole*, so many days before its end."""
    assert whole.series
    last = whole.series.hours - 24 * days_ago
    kept = slice(last - WEEK, last)
    series = Series(vm_pcpu=whole.series.vm_pcpu[:, kept], host_base_pcpu=whole.series.host_base_pcpu[:, kept])
    end = whole.window_end - timedelta(days=days_ago)
    return replace(whole, series=series, window_start=end - timedelta(hours=WEEK), window_end=end)


@pytest.mark.parametrize("form", [{}, {"slots": 168, "window_days": 21}, {"form": "days"}, {"robust": True}])
def test_it_is_the_profile_of_all_hours(store: Store, form: dict[str, object]) -> None:
    """Kept night after night, a week each; in every form."""
    wanted = DemandPolicy.model_validate({"window_days": 14, **form})
    whole = profile(START, wanted.window_days * 24, seed=3)
    for days_ago in reversed(range(wanted.window_days - 6)):
        keep_samples(store, POOL, week_of(whole, days_ago))
    found = lengthened(store, POOL, week_of(whole, 0), wanted)
    assert whole.series
    quality = dict(zip(whole.vms, quality_of(whole.series.vm_pcpu, wanted.minimum_coverage), strict=True))
    assert found == in_form(replace(whole, quality=quality), wanted)


def test_hours_that_nobody_kept_are_unknown(store: Store) -> None:
    """On the first night a VM is as young as the history, and nobody's demand is 0."""
    week = profile(START, WEEK, seed=3)
    assert week.series
    sure = replace(week, series=replace(week.series, vm_pcpu=np.nan_to_num(week.series.vm_pcpu, nan=1.0)))
    for known in (store, None):
        found = lengthened(known, POOL, sure, DemandPolicy(window_days=28))
        assert set(found.quality.values()) == {Quality.SHORT}
        assert found.window_start == START + timedelta(hours=WEEK) - timedelta(days=28)
        assert (found.vm_pcpu > 0).all()
        assert not np.isnan(found.vm_pcpu).any()


def test_a_command_that_keeps_nothing_looks_back_as_well(tmp_path: Path) -> None:
    """It reads what nights kept, and makes no history where there is none."""
    wanted, place, told = DemandPolicy(window_days=14), HistoryPlace(state_dir=tmp_path), list[str]()
    whole = profile(START, wanted.window_days * 24, seed=3)
    week = week_of(whole, 0)
    assert looked_back(place, POOL, week, wanted, told.append) == lengthened(None, POOL, week, wanted)
    assert not place.file.exists()
    with Store.of(place) as store:
        for days_ago in reversed(range(8)):
            keep_samples(store, POOL, week_of(whole, days_ago))
        known = lengthened(store, POOL, week, wanted)
    assert looked_back(place, POOL, week, wanted, told.append) == known != lengthened(None, POOL, week, wanted)
    assert told == []


def test_a_week_stays_as_it_is(store: Store) -> None:
    """Nobody looks back further than is wanted."""
    week = profile(START, WEEK, seed=3)
    assert lengthened(store, POOL, week, DemandPolicy()) is week


@pytest.mark.parametrize("days", [3, 7, 28])
def test_xapi_is_asked_for_a_week_at_most(days: int) -> None:
    """For more it would answer in days; all else is as it is wanted."""
    wanted = DemandPolicy(form="days", window_days=days, same_weekday=days > 14)
    asked = within_xapi(wanted)
    assert asked.window_days == min(days, 7)
    assert asked.in_days
