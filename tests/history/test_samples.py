"""Hours of load come back as they were, day after day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from rebalancer.demand import Series
from rebalancer.history.place import HistoryPlace
from rebalancer.history.samples import decoded, encoded, hours_of, keep_samples
from rebalancer.history.store import Store
from tests.history.loads import GUESTS, HOSTS, START, profile, rows_of
from tests.history.made import DAY, POOL
from tests.plan.made import demand_of


def test_a_day_comes_back_exactly() -> None:
    """With four digits of a pCPU, and what is unknown as unknown, in 96 bytes."""
    hours = np.array([0.0, 0.0001, np.nan, 12.3456, *[1.5] * 20])
    assert len(encoded(hours)) == 96
    np.testing.assert_array_equal(decoded(encoded(hours)), hours)


def test_hours_come_back_as_they_were(store: Store) -> None:
    """From any hour to any other; outside of what was kept nothing is known."""
    kept = profile(START, 168, seed=1)
    keep_samples(store, POOL, kept)
    found = hours_of(store, POOL.uuid, [*GUESTS, *HOSTS], START, 168)
    np.testing.assert_array_equal(found, rows_of(kept))
    within = hours_of(store, POOL.uuid, ["b", "nobody"], START + timedelta(hours=40), 30)
    np.testing.assert_array_equal(within[0], rows_of(kept)[1, 40:70])
    assert np.isnan(within[1]).all()
    assert np.isnan(hours_of(store, POOL.uuid, GUESTS, START - 3 * DAY, 24)).all()
    assert np.isnan(hours_of(store, "elsewhere", GUESTS, START, 168)).all()


def test_nights_add_up(store: Store) -> None:
    """The next night's week goes over that of the night before, except where it knows less; the same adds nothing."""
    first, second = profile(START, 168, seed=1), profile(START + DAY, 168, seed=2)
    assert keep_samples(store, POOL, first) == 6 * 8
    assert keep_samples(store, POOL, first) == 0
    keep_samples(store, POOL, second)
    found = hours_of(store, POOL.uuid, [*GUESTS, *HOSTS], START, 192)
    old = np.hstack([rows_of(first), np.full((6, 24), np.nan)])
    new = np.hstack([np.full((6, 24), np.nan), rows_of(second)])
    np.testing.assert_array_equal(found, np.where(np.isnan(new), old, new))


def test_refused_hosts_tell_nothing(store: Store) -> None:
    """Their rows mean nothing."""
    keep_samples(store, POOL, replace(profile(START, 24, seed=1), refused={"h2": "its clock is off"}))
    known = ~np.isnan(hours_of(store, POOL.uuid, HOSTS, START, 24)).all(axis=1)
    assert known.tolist() == [True, False, True]


def test_a_profile_without_hours_adds_nothing(store: Store) -> None:
    """As one from a table, or an old snapshot."""
    assert keep_samples(store, POOL, demand_of(POOL, dict.fromkeys(GUESTS, 1.0))) == 0


def test_a_year_of_a_large_pool_is_small(place: HistoryPlace) -> None:
    """A VM takes about 120 bytes a day: 250 of them take some 11 MB a year."""
    if place.url:
        pytest.skip("the size of a file")
    pool = replace(
        POOL, vms={f"vm-{number:04}": replace(POOL.vms["a"], uuid=f"vm-{number:04}") for number in range(50)}
    )
    made = demand_of(pool, dict.fromkeys(pool.vms, 1.0))
    hours = 24 * 60
    rng = np.random.default_rng(1)
    series = Series(vm_pcpu=rng.uniform(0, 4, (50, hours)), host_base_pcpu=np.full((3, hours), np.nan))
    start = START.replace(hour=0)
    year = replace(made, window_start=start, window_end=start + timedelta(hours=hours), series=series)
    with Store.of(place) as store:
        before = place.file.stat().st_size
        keep_samples(store, pool, year)
    assert (place.file.stat().st_size - before) / (50 * 60) < 160
