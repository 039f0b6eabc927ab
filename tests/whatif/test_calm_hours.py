"""Hosts go down in the hours of least load: compared with every way to begin them, and counted by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rebalancer.objectives import cpu_capacities, host_load
from rebalancer.placement import Placement
from rebalancer.policy import ANY_TIME, ChangeWindows, WindowPolicy
from rebalancer.problem import Problem
from rebalancer.slots import RecordedDay
from rebalancer.whatif import Purpose, evacuate, rolling
from rebalancer.whatif.calm_hours import best_begins, calm_hours
from rebalancer.whatif.itinerary import Stage
from rebalancer.whatif.outing import Outing, outings
from rebalancer.whatif.pinned import BOOT_SECONDS, ShutDown
from rebalancer.whatif.stage_loads import stage_loads
from tests.plan.made import MADE_AT
from tests.solve.tiny import make_demand, tiny

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 2, 20, 30, tzinfo=UTC)
"""A Monday."""


def outing(*calm: int, hours: float = 1.0, timezone: str = "UTC") -> Outing:
    """A host that is down for so many *hours*; the others are at 90 % but in the *calm* hours of the day, at 30 %."""
    shares = tuple(0.3 if hour in calm else 0.9 for hour in range(24))
    return Outing(host="h1", seconds=3600 * hours, shares=shares, timezone=timezone)


def nights(start: str, end: str) -> ChangeWindows:
    """A window that opens each day."""
    return ChangeWindows(windows=(WindowPolicy.model_validate({"start": start, "end": end}),), timezone="UTC")


def every_way(
    rest: Sequence[Outing], free: datetime, until: datetime, windows: ChangeWindows
) -> Iterator[tuple[int, tuple[datetime, ...]]]:
    """All ways to begin *rest* at full hours, or when the one before is over; with the per cents of each, added up."""
    if not rest:
        yield 0, ()
        return
    full = free.replace(minute=0, second=0, microsecond=0) + HOUR
    for begin in (free, *(full + number * HOUR for number in range(12))):
        end = begin + timedelta(seconds=rest[0].seconds)
        closes = windows.closes_at(begin)
        if end <= until and windows.is_open(begin) and (closes is None or end <= closes):
            for percent, begins in every_way(rest[1:], end, until, windows):
                yield percent + rest[0].percent(begin), (begin, *begins)


@pytest.mark.parametrize("seed", range(25))
def test_no_other_way_is_calmer(seed: int) -> None:
    """And of those that are as calm none begins sooner; where there is none, none is found."""
    chance = random.Random(seed)
    rest = [
        Outing(
            host=f"h{number}",
            seconds=chance.choice([900.0, 3600.0, 5000.0, 9000.0]),
            shares=tuple(chance.choice([0.2, 0.4, 0.41, 0.9]) for _ in range(24)),
            timezone="UTC",
        )
        for number in range(chance.randint(1, 3))
    ]
    windows = chance.choice([ANY_TIME, nights("21:00", "23:30"), nights("22:00", "03:00")])
    until = NOW + chance.choice([2, 5, 9]) * HOUR
    found = min(every_way(rest, NOW, until, windows), default=(0, ()))
    assert best_begins(rest, NOW, until, windows) == found[1]


def test_an_hour_counts_that_is_only_touched() -> None:
    """Two hours and a half, begun at three, reach into the hour from five on."""
    long = outing(3, 4, 5, hours=2.5)
    assert [long.percent(NOW.replace(hour=hour, minute=0)) for hour in (2, 3, 4)] == [90, 30, 90]
    assert outing(3, hours=1.0).percent(NOW.replace(hour=3, minute=0)) == 30


def test_hours_are_those_of_the_clocks_that_the_load_was_told_in() -> None:
    """Also in the night in which clocks are put back, which has the hour from two on twice."""
    calm = outing(3, timezone="Europe/Berlin")
    evening = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    (begin,) = best_begins([calm], evening, evening + 12 * HOUR, ANY_TIME)
    assert begin == datetime(2026, 10, 25, 2, 0, tzinfo=UTC)
    (day_before,) = best_begins([calm], evening - 24 * HOUR, evening - 12 * HOUR, ANY_TIME)
    assert day_before == datetime(2026, 10, 24, 1, 0, tzinfo=UTC)


def test_the_best_hours_are_all_that_are_equally_calm() -> None:
    """By whole per cents, and inside the windows; none where no window is long enough."""
    found = calm_hours(outing(2, 3, 14), NOW, ANY_TIME)
    assert found is not None
    assert (found.hours, found.percent, found.words) == (("02:00", "03:00", "14:00"), 30, "02:00, 03:00, 14:00 (30%)")
    inside = calm_hours(outing(2, 14), NOW, nights("22:00", "02:30"))
    assert inside is not None
    assert inside.hours == ("00:00", "01:00", "22:00", "23:00")
    short = calm_hours(outing(2), NOW, nights("22:00", "22:30"))
    assert short is not None
    assert (short.hours, short.words) == ((), "no change window is long enough")


def test_hours_of_the_week_are_told_with_their_day() -> None:
    """A Sunday is calmer than other days."""
    shares = tuple(0.2 if hour == 6 * 24 + 4 else 0.8 for hour in range(168))
    found = calm_hours(Outing(host="h1", seconds=60, shares=shares, timezone="UTC"), NOW, ANY_TIME)
    assert found is not None
    assert found.hours == ("Sun 04:00",)


def test_without_metrics_nothing_is_calm() -> None:
    """And hosts are begun one after the other as soon as can be."""
    silent = Outing(host="h1", seconds=5400, shares=(), timezone="UTC")
    assert calm_hours(silent, NOW, ANY_TIME) is None
    assert best_begins([silent, silent], NOW, NOW + 9 * HOUR, ANY_TIME) == (NOW, NOW + 1.5 * HOUR)


LOADS = {"a": (1.0, 4.0, 1.0, 2.0), "b": (2.0, 1.0, 1.0, 1.0), "c": (3.0, 1.0, 5.0, 1.0), "d": (1.0, 1.0, 1.0, 6.0)}


@pytest.fixture
def problem() -> Problem:
    """Three hosts with four VMs whose load is known."""
    guests = {"a": ("h1", 4.0), "b": ("h1", 2.0), "c": ("h2", 4.0), "d": ("h3", 6.0)}
    return tiny(guests, hosts={"h1": 20.0, "h2": 20.0, "h3": 20.0}, load=LOADS)


def busiest(problem: Problem, placement: Placement, down: str) -> tuple[float, str, int]:
    """The highest share of any host but *down*, the host, and the slot: from the demand, not from a plan."""
    shares = host_load(placement, problem) / cpu_capacities(problem)[:, None]
    rows = {host: row for host, row in zip(problem.pool.hosts, shares, strict=True) if host != down}
    return max((float(row[slot]), host, slot) for host, row in rows.items() for slot in range(len(row)))


def test_the_worst_hour_of_each_stage_is_that_of_the_state_that_it_leads_to(problem: Problem) -> None:
    """The host that is emptied is left out, whatever it uses for itself."""
    found = rolling(problem, [], version=None, come_home=True, made_at=MADE_AT)
    assert len(found.stages) == 6
    for stage in found.stages:
        share, host, slot = busiest(problem, stage.plan.predicted, stage.host if stage.purpose is Purpose.EMPTY else "")
        worst = stage.worst_hour
        assert worst is not None
        assert (round(worst.share, 4), worst.host_uuid, worst.hour) == (round(share, 4), host, f"0{slot}:00 UTC")


def test_an_evacuation_says_it_too(problem: Problem) -> None:
    """For a program as well."""
    found = evacuate(problem, ["h1"], made_at=MADE_AT)
    assert found.plan is not None
    share, host, _ = busiest(problem, found.plan.predicted, "h1")
    worst = found.worst_hour
    assert worst is not None
    assert (round(worst.share, 4), worst.host) == (round(share, 4), host)
    assert found.as_json()["worst_hour"] == {
        "host": worst.host,
        "host_uuid": worst.host_uuid,
        "hour": worst.hour,
        "share": worst.share,
    }


def test_an_outing_lasts_until_vms_are_home(problem: Problem) -> None:
    """Both plans, the host itself, and VMs that are shut down; it counts the load of its first plan."""
    found = rolling(problem, ["h1"], version=None, come_home=True, made_at=MADE_AT)
    stages: list[Stage] = list(found.stages)
    moving = sum(stage.plan.schedule.seconds for stage in stages)
    (plain,) = outings(stages)
    assert plain.seconds == moving + BOOT_SECONDS
    off = tuple(ShutDown(vm=vm, vm_name=vm, seconds=BOOT_SECONDS + more) for vm, more in (("x", 180.0), ("y", 90.0)))
    stages[0] = replace(stages[0], shut_down=off)
    assert outings(stages)[0].seconds == plain.seconds + 180.0
    shares = host_load(stages[0].plan.predicted, problem) / cpu_capacities(problem)[:, None]
    others = [number for number, host in enumerate(problem.pool.hosts) if host != "h1"]
    assert plain.shares == pytest.approx(shares[others].max(axis=0), abs=1e-4)


def test_of_recorded_days_the_busiest_of_each_hour_counts() -> None:
    """A day on which the hour was quiet does not make it so."""
    problem = tiny({"a": ("h1", 4.0)}, hosts={"h1": 20.0, "h2": 20.0})
    days = tuple(RecordedDay(start=datetime(2026, 10, 30 + number, tzinfo=UTC)) for number in range(2))
    demand = replace(
        make_demand(problem.pool, {}),
        vm_pcpu=np.array([[1.0 + number + (hour == 5) for number in range(2) for hour in range(24)]]),
        host_base_pcpu=np.zeros((2, 48)),
        days=days,
        percentile=None,
    )
    found = rolling(replace(problem, demand=demand), ["h1"], version=None, come_home=True, made_at=MADE_AT)
    (load, *_) = stage_loads(found.stages)
    assert load.outing is not None
    capacity = cpu_capacities(problem)[0]
    assert load.outing.shares == pytest.approx([(3.0 if hour == 5 else 2.0) / capacity for hour in range(24)], abs=1e-4)
    assert load.calm is not None
    assert "05:00" not in load.calm.hours
    assert "06:00" in load.calm.hours
