"""When a pool runs out of what, and which VMs are remarkable, on pasts whose answer is known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from rebalancer.demand.past_hours import PastHours, past_hours
from rebalancer.frames import course_days_frame, runway_frame, vm_findings_frame
from rebalancer.plots import plot_forecast
from rebalancer.problem import Problem
from rebalancer.whatif.forecast import ResourceDays, ahead, cpu_course, memory_course, runway, vm_findings
from tests.plan.made import demand_of, pool_with
from tests.pools import problem_of

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 28


def course(daily: list[float] | NDArray[np.float64], limit: float) -> ResourceDays:
    """A resource with these days."""
    values = np.asarray(daily, dtype=np.float64)
    return ResourceDays(
        resource="cpu", unit="pCPUs", first=date(2026, 3, 2), daily=values, limit=limit, means="what it is"
    )


def growing(slope: float, noise: float = 0.5, seed: int = 1) -> NDArray[np.float64]:
    """28 days that begin at 20 and grow by *slope* a day, with noise."""
    rng = np.random.default_rng(seed)
    return np.asarray(20 + slope * np.arange(DAYS) + rng.normal(0, noise, DAYS), dtype=np.float64)


def test_growth_reaches_its_limit_when_it_should() -> None:
    """One pCPU a day from 20 on is above 60 on day 41, 13 days after the last of 28; the interval holds that day."""
    found = runway(course(growing(1.0), 60))
    assert found.days is not None
    assert found.earliest is not None
    assert found.latest is not None
    assert found.days == pytest.approx(13, abs=2)
    assert found.earliest <= found.days <= found.latest


def test_what_does_not_grow_lasts() -> None:
    """As far as is looked ahead, which is twice what is known."""
    found = runway(course(growing(0.0), 60))
    assert (found.days, found.latest, found.horizon) == (None, None, 2 * DAYS)


def test_the_interval_widens_and_holds_the_middle() -> None:
    """What is further away is less certain."""
    to_come = ahead(growing(0.3), 28)
    assert ((to_come.low <= to_come.middle) & (to_come.middle <= to_come.high)).all()
    assert (to_come.high - to_come.low)[-1] > (to_come.high - to_come.low)[0]


def test_four_of_five_days_fall_between() -> None:
    """On noise of which the model says what it is: 25 pasts, seven days each."""
    within = []
    for seed in range(25):
        whole = growing(0.2, seed=seed)
        told = ahead(whole[:21], 7)
        within.append((told.low <= whole[21:]) & (whole[21:] <= told.high))
    assert 0.7 <= np.mean(within) <= 0.92


def test_days_that_are_not_known_are_left_out() -> None:
    """A gap in the middle moves the answer little; it is no zero."""
    holed = growing(1.0)
    holed[10:14] = np.nan
    found = runway(course(holed, 60))
    assert found.days == pytest.approx(13, abs=3)
    assert found.course.known_days == 24


def test_two_weeks_are_needed() -> None:
    """Less says nothing, and says so."""
    found = runway(course([1.0] * 13, 60))
    assert (found.ahead, found.words) == (None, "13 days are known; it takes 14")
    frame = runway_frame([found])
    assert frame.loc["cpu", "why_not"] == found.words
    assert frame.runway_days.isna().all()


@pytest.mark.parametrize("value", [0.0, 64.0])
def test_what_never_changes_goes_on(value: float) -> None:
    """No model is fitted to it."""
    assert set(ahead(np.full(20, value), 5).high) == {value}


def test_frames_hold_known_days_and_days_to_come() -> None:
    """One after the other, with the limit beside them; the plot shows both."""
    found = runway(course(growing(1.0), 60))
    frame = course_days_frame([found])
    assert len(frame) == 3 * DAYS
    assert frame["value"].notna().sum() == DAYS
    assert frame["middle"].notna().sum() == 2 * DAYS
    assert frame["day"].is_monotonic_increasing
    assert plot_forecast(frame).get_ylabel() == "cpu (pCPUs)"


def test_memory_is_that_of_the_last_night_of_a_day() -> None:
    """A day without a night is not known; the limit is what hosts had last."""
    gib = float(1 << 30)
    nights = [
        (START, 10 * gib, 100 * gib),
        (START + timedelta(hours=1), 11 * gib, 100 * gib),
        (START + timedelta(days=2), 12 * gib, 120 * gib),
    ]
    found = memory_course(reversed(nights))
    assert found is not None
    assert list(found.daily[[0, 2]]) == [11.0, 12.0]
    assert np.isnan(found.daily[1])
    assert found.limit == 120.0
    assert memory_course([]) is None


def samples(rows: dict[tuple[str, str], list[float]]) -> pd.DataFrame:
    """A sample an hour for each owner and uuid, from the start on."""
    parts = [
        (uuid, owner, START + hour * timedelta(hours=1), value)
        for (owner, uuid), row in rows.items()
        for hour, value in enumerate(row)
    ]
    return pd.DataFrame(parts, columns=["uuid", "owner", "time", "pcpu"])


def test_all_that_was_measured_is_summed() -> None:
    """VMs that are gone count; of hosts that hold their VMs the larger sum, of hosts by themselves both."""
    given = samples({("vm", "a"): [1.0] * 48, ("vm", "gone"): [2.0] * 48, ("host", "h"): [4.0] * 48})
    whole, alone = (past_hours(given, ["a"], hosts_alone=each) for each in (False, True))
    assert set(whole.total_pcpu) == {4.0}
    assert set(alone.total_pcpu) == {7.0}
    assert whole.vm_pcpu.shape == (1, 48)


def test_a_day_has_a_busiest_hour_if_it_is_known() -> None:
    """Of a day with 4 hours nothing is said; at the ends it is left out."""
    row = [1.0] * 23 + [5.0] + [9.0] * 4 + [np.nan] * 20 + [2.0] * 24 + [8.0] * 3
    days, peaks = past_hours(samples({("vm", "a"): row}), ["a"], hosts_alone=False).daily_peaks("UTC")
    assert [str(day) for day in days] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert peaks[0] == 5.0
    assert np.isnan(peaks[1])
    assert peaks[2] == 2.0


def hours_of(rows: dict[str, list[float]]) -> PastHours:
    """Hours of the VMs of a problem, a week or more."""
    values = np.array(list(rows.values()))
    return PastHours(start=START, total_pcpu=values.sum(axis=0), vms=tuple(rows), vm_pcpu=values)


@pytest.fixture
def problem() -> Problem:
    """Two hosts of 16 pCPUs; a, b and c on the first, d on the other, with 4 vCPUs each."""
    pool = pool_with({"h1": 64, "h2": 64}, {"a": ("h1", 2), "b": ("h1", 2), "c": ("h1", 2), "d": ("h2", 2)})
    return problem_of(pool, demand=demand_of(pool, {"a": 1.0}))


WEEK = 168


def test_vms_are_told_by_what_they_used(problem: Problem) -> None:
    """Each kind with its evidence; one that is like others is not told, and neither is one of which little is known."""
    vcpus = problem.pool.vms["a"].vcpus_max
    rows = {
        "a": [0.01 * vcpus] * WEEK,
        "b": [0.1 * vcpus] * WEEK,
        "c": [0.95 * vcpus] * 20 + [0.5 * vcpus] * (WEEK - 20),
        "d": [0.01 * vcpus] * 100 + [np.nan] * (WEEK - 100),
    }
    found = {each.vm: each for each in vm_findings(problem, hours_of(rows))}
    assert {vm: each.kind.value for vm, each in found.items()} == {"a": "idle", "b": "oversized", "c": "constrained"}
    assert found["b"].vcpus_enough == max(1, int(np.ceil(0.1 * vcpus / 0.6)))
    assert "12% of its hours" in found["c"].words
    frame = vm_findings_frame(list(found.values()), problem)
    assert list(frame.columns[-2:]) == ["vm_uuid", "host_uuid"]


def test_whoever_takes_most_of_a_hot_host_crowds_out_others(problem: Problem) -> None:
    """30 % or more of it, in hours above the threshold; not on a host of its own, however hot."""
    hot = [9.0] * 10 + [1.0] * (WEEK - 10)
    rows = {"a": hot, "b": [4.0] * WEEK, "c": [1.5] * WEEK, "d": [15.0] * WEEK}
    crowding = [each for each in vm_findings(problem, hours_of(rows)) if each.kind.value == "crowding"]
    assert [each.vm for each in crowding] == ["a"]
    assert crowding[0].words == "62% of its host's load in 10 of 10 hot hours"


def test_the_limit_is_what_no_placement_can_beat(problem: Problem) -> None:
    """The threshold of all hosts together."""
    found = cpu_course(problem, (date(2026, 3, 2),), np.array([3.0]))
    total = sum(problem.cpu_capacity(host) for host in problem.pool.hosts.values())
    assert found.limit == pytest.approx(problem.policy.objective.threshold * total)
