"""Timetables of random jobs: none beats the bound, and claims that were written apart agree."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings

from rebalancer.policy import LimitsPolicy
from rebalancer.schedule.lanes import Job, dispatch, makespan
from rebalancer.schedule.timetable import timetable, work_bound
from rebalancer.solve.exact.intervals import Intervals, Shared, shortened
from rebalancer.verify.schedule import launched, wrong_schedule
from tests.schedule.timed import as_plan, job, jobs, limits_of, schedule_edited


@given(jobs(most=5), limits_of)
def test_no_timetable_beats_the_bound(task: tuple[Job, ...], limits: LimitsPolicy) -> None:
    """Of all rankings the best is no shorter than the bound, and the timetable lies between the two."""
    bound, _ = work_bound(task, limits)
    lengths = [makespan(task, dispatch(task, limits, rank)) for rank in permutations(range(len(task)))]
    assert bound <= min(lengths) <= timetable(task, limits).ticks <= max(lengths)


@settings(max_examples=30)
@given(jobs(most=5), limits_of)
def test_cp_sat_only_ever_shortens(task: tuple[Job, ...], limits: LimitsPolicy) -> None:
    """With CP-SAT the timetable is no longer than without, and no shorter than the bound."""
    listed, made = timetable(task, limits), timetable(task, limits, effort=0.05)
    assert made.bound <= made.ticks <= listed.ticks
    assert not [finding for finding in wrong_schedule(as_plan(task, made.starts, limits)) if finding.step]


def test_cp_sat_finds_the_shortest() -> None:
    """Three tasks of 3 and three of 2 ticks, two at once: 3 + 3 + 2 beside 3 + 2 + 2."""
    tasks = Intervals(ticks=(3, 3, 3, 2, 2, 2), after=((),) * 6, lanes=(Shared(members=tuple(range(6)), width=2),))
    starts = shortened(tasks, (0, 3, 6, 9, 11, 13), least=8, effort=1.0)
    assert max(start + ticks for start, ticks in zip(starts, tasks.ticks, strict=True)) == 8


@given(jobs(), limits_of)
def test_the_claims_accept_what_is_dispatched(task: tuple[Job, ...], limits: LimitsPolicy) -> None:
    """The checker sweeps through the times by itself, and finds no limit and no relation broken."""
    made = timetable(task, limits)
    assert not [finding for finding in wrong_schedule(as_plan(task, made.starts, limits)) if finding.step]


@given(jobs(), limits_of)
def test_the_claims_know_the_same_bound(task: tuple[Job, ...], limits: LimitsPolicy) -> None:
    """Summed up anew by the checker, steps with disks one by one included: the same seconds."""
    made = timetable(task, limits)
    plan = schedule_edited(as_plan(task, made.starts, limits), bound_seconds=float(made.bound / 10))
    assert not [finding for finding in wrong_schedule(plan) if "at least" in finding.words]


def test_cp_sat_lets_none_begin_beside_a_task_that_is_alone() -> None:
    """Of 5, 3 and 2 ticks, two at once: the two others begin before or after the long one, or with it."""
    for alone, shortest in (((), 5), ((0,), 7), ((0, 1), 8)):
        tasks = Intervals(ticks=(5, 3, 2), after=((),) * 3, lanes=(Shared(members=(0, 1, 2), width=2),), alone=alone)
        starts = shortened(tasks, (0, 5, 8), least=5, effort=1.0)
        ends = [start + ticks for start, ticks in zip(starts, tasks.ticks, strict=True)]
        assert max(ends) == shortest
        assert not [start for start in starts for each in alone if starts[each] < start < ends[each]]


@given(jobs(), limits_of)
def test_the_claims_launch_as_the_dispatcher_does(task: tuple[Job, ...], limits: LimitsPolicy) -> None:
    """Two ways of saying that a step begins as soon as it may: the same length, for any lengths of the steps."""
    starts = tuple(range(len(task)))
    steps = as_plan(task, starts, limits).steps
    assert launched(steps, [job.ticks for job in task], limits) == makespan(task, dispatch(task, limits, starts))


def test_all_that_end_in_one_tick_end_before_the_next_begins() -> None:
    """The third waits for the second, and is more urgent than the fourth, which shares its target."""
    ends = [job(10, "h1", "h2", carries=False), job(10, "h4", "h1", carries=False)]
    waits = job(10, "h1", "h3", carries=False, after=(1,))
    other = job(10, "h2", "h3", carries=False)
    limits = LimitsPolicy(concurrent=2, in_per_host=1, out_per_host=1)
    assert dispatch([*ends, waits, other], limits, range(4)) == (0, 0, 10, 20)
