"""The day after a run, as it was predicted, as it came, and as it would have come had nothing been moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from rebalancer.history.checking import check_of, words_of
from rebalancer.placement import Placement
from rebalancer.problem import pool_at
from tests.history.after import AFTER, HOUR, PCPUS, POOL, carried, measured
from tests.plan.made import MADE_AT, goal_of, plan_of
from tests.pools import problem_of


def test_what_was_measured_is_counted_for_both_placements() -> None:
    """By hand: 24 hours of 16 pCPUs, 12 of them below the threshold; a and b would have used 18.5 together."""
    found = check_of(carried(), AFTER, measured(30, a=8.0, b=10.0, c=5.0))
    assert found
    assert (found.since, found.until, found.hours) == (MADE_AT + HOUR, MADE_AT + 25 * HOUR, 24)
    assert found.overload_measured == pytest.approx(24 * (8.0 + 5.0 + 0.5 - 12))
    assert found.overload_unmoved == pytest.approx(24 * (8.0 + 10.0 + 0.5 - 12))
    assert found.saved == pytest.approx(24 * 5.0)
    assert found.elsewhere == 0
    shares = [share for host in found.hosts for share in (host.predicted_share, host.measured_share)]
    assert [host.uuid for host in found.hosts] == ["h1", "h2"]
    assert [round(share * PCPUS, 1) for share in shares] == [9.5, 10.5, 10.5, 13.5]
    assert found.overload_predicted == 0


def test_only_steps_that_are_done_are_expected() -> None:
    """Had a stayed, 18.5 pCPUs were to be expected at 14:00 on one host; and there is nothing to take back."""
    found = check_of(replace(carried(), done=()), POOL, measured(30, a=9.0, b=9.0, c=1.0))
    assert found
    assert found.overload_predicted == pytest.approx(18.5 - 12)
    assert found.overload_measured == found.overload_unmoved > 0


def test_hours_that_are_over_count() -> None:
    """A few hours after the run as many are compared; within the first hour none is."""
    found = check_of(carried(), AFTER, measured(5, a=1.0, b=1.0, c=1.0))
    assert found
    assert found.hours == 5
    assert check_of(carried(), AFTER, measured(0, a=1.0, b=1.0, c=1.0)) is None


def test_hours_that_nobody_has_any_more_are_not_compared() -> None:
    """The run ended before the first hour that is measured."""
    demand = measured(30, a=1.0, b=1.0, c=1.0)
    later = replace(demand, window_start=demand.window_start + 200 * HOUR, window_end=demand.window_end + 200 * HOUR)
    assert check_of(carried(), AFTER, later) is None


def test_a_plan_without_metrics_predicted_nothing() -> None:
    """So there is nothing to compare."""
    problem = problem_of(POOL)
    blind = replace(carried(), plan=plan_of(problem, goal_of(problem, a="h2")))
    assert check_of(blind, AFTER, measured(30, a=1.0, b=1.0, c=1.0)) is None


def test_what_moved_since_changes_nothing() -> None:
    """VMs a and c went elsewhere, as by the next run: they are counted where this one left them, and told."""
    there = pool_at(POOL, Placement({"a": "h1", "b": "h1", "c": "h1"}))
    demand = measured(30, a=8.0, b=10.0, c=5.0)
    found, expected = check_of(carried(), there, demand), check_of(carried(), AFTER, demand)
    assert found
    assert expected
    assert found.elsewhere == 2
    assert replace(found, elsewhere=0) == expected


def test_hours_of_the_next_run_are_its_own() -> None:
    """Those that were over when it began are compared, and no more."""
    demand = measured(30, a=8.0, b=10.0, c=5.0)
    found = check_of(replace(carried(), until=MADE_AT + 6 * HOUR + timedelta(minutes=5)), AFTER, demand)
    assert found
    assert found.until == MADE_AT + 6 * HOUR
    assert check_of(replace(carried(), until=MADE_AT + HOUR), AFTER, demand) is None


def test_an_hour_that_is_unknown_counts_as_the_others_do() -> None:
    """Of the same VM."""
    demand = measured(30, a=8.0, b=10.0, c=5.0)
    assert demand.series
    rows = demand.series.vm_pcpu.copy()
    rows[0, -10:] = np.nan
    gappy = replace(demand, series=replace(demand.series, vm_pcpu=rows))
    assert check_of(carried(), AFTER, gappy) == check_of(carried(), AFTER, demand)


@pytest.mark.parametrize(("most", "named"), [(0.05, ["h1", "h2"]), (0.1, ["h2"]), (0.5, [])])
def test_a_wrong_prediction_is_told(most: float, named: list[str]) -> None:
    """With both peaks, of hosts that came to more than was predicted, by more than the policy lets pass."""
    found = check_of(carried(), AFTER, measured(30, a=8.0, b=10.0, c=5.0))
    assert found
    first, *others = words_of(found, carried(), most)
    assert first == (
        "the 24 h after the run of 2026-11-01 02:20 UTC: 36.0 pCPU-hours of overload, 0.0 were predicted, "
        "156.0 would have come without its moves"
    )
    assert [words.split()[1] for words in others] == named
    assert all("history.prediction_error" in words for words in others)
