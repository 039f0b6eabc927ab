"""What a plan says of its time: when it may begin, how long it takes, what it cannot beat, what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rebalancer.inventory import Uuid
from rebalancer.placement import Migration
from rebalancer.plan.duration import Pace, migration_network, wire_seconds
from rebalancer.plan.plan import Schedule
from rebalancer.plan.step import Step
from rebalancer.policy.windows import change_windows
from rebalancer.problem import Problem
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.schedule.lanes import Job, Lane, dispatch, makespan
from rebalancer.schedule.timetable import ALONE, CHAIN, work_bound

TICKS_A_SECOND = 10


def jobs_of(
    migrations: Sequence[Migration], waits: Sequence[tuple[int, ...]], problem: Problem, pace: Pace
) -> tuple[Job, ...]:
    """*migrations* with their likely lengths; *waits* has the positions that each waits for."""
    return tuple(
        Job(
            migration=move,
            ticks=round(pace.likely(_wire(move, migrations, problem)) * TICKS_A_SECOND),
            after=before,
            network=_network(move, problem),
        )
        for move, before in zip(migrations, waits, strict=True)
    )


def _network(move: Migration, problem: Problem) -> Uuid | None:
    return None if move.disks else migration_network(problem.pool, move.source, move.target)


def _wire(move: Migration, migrations: Sequence[Migration], problem: Problem) -> float:
    pool, limits = problem.pool, problem.policy.limits
    leaving = sum(each.source == move.source for each in migrations)
    coming = sum(each.target == move.target for each in migrations)
    sharing = (
        min(leaving, limits.out_per_host, limits.concurrent),
        min(coming, limits.in_per_host, limits.concurrent),
    )
    copied = DiskSizes(problem).copied_by(move)
    return wire_seconds(copied, pool, (move.source, move.target), _network(move, problem), sharing=sharing)


def schedule_of(steps: Sequence[Step], problem: Problem, made_at: datetime) -> Schedule:
    """The schedule of *steps*, which begin when a window of the policy is open at *made_at* or opens next."""
    limits, windows = problem.policy.limits, change_windows(problem.policy)
    begins_at = windows.opens_at(made_at)
    closes_at = windows.closes_at(begins_at)
    bound, lane = work_bound(_jobs(steps, [step.seconds for step in steps]), limits)
    late = [step for step in steps if closes_at and begins_at + timedelta(seconds=step.end_seconds) > closes_at]
    return Schedule(
        begins_at=begins_at,
        closes_at=closes_at,
        seconds=max((step.end_seconds for step in steps), default=0.0),
        seconds_low=_total(steps, [step.seconds_low for step in steps], problem),
        seconds_high=_total(steps, [step.seconds_high for step in steps], problem),
        bound_seconds=float(bound / TICKS_A_SECOND),
        bound_by=_words(lane, problem) if steps else "",
        late=tuple(step.id for step in late),
    )


def _jobs(steps: Sequence[Step], seconds: Sequence[float]) -> tuple[Job, ...]:
    position = {step.id: number for number, step in enumerate(steps)}
    return tuple(
        Job(
            migration=step.migration,
            ticks=round(length * TICKS_A_SECOND),
            after=tuple(position[each] for each in step.after),
            network=step.network,
        )
        for step, length in zip(steps, seconds, strict=True)
    )


def _total(steps: Sequence[Step], seconds: Sequence[float], problem: Problem) -> float:
    """Seconds until all of *steps* are done, if they took *seconds* and were launched in their order."""
    jobs = _jobs(steps, seconds)
    return makespan(jobs, dispatch(jobs, problem.policy.limits, range(len(jobs)))) / TICKS_A_SECOND


def _words(lane: Lane, problem: Problem) -> str:
    kind, where = lane
    limits = problem.policy.limits
    if lane == CHAIN:
        return "steps that wait for each other, one after another"
    if lane == ALONE:
        return "steps with disks, beside which nothing begins"
    if kind == "pool":
        return f"all migrations, {limits.concurrent} at a time"
    if kind == "over":
        return f"all migrations over one network, {limits.per_link} at a time"
    most = limits.out_per_host if kind == "out of" else limits.in_per_host
    return f"migrations {kind} {problem.names.hosts[where or '']}, {most} at a time"
