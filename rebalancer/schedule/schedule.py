"""What a plan says of its time: when it may begin, how long it takes, what it cannot beat, what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rebalancer.inventory import Uuid
from rebalancer.plan.duration import Pace, migration_network, wire_seconds
from rebalancer.plan.leg import Leg
from rebalancer.plan.plan import Schedule
from rebalancer.plan.step import Step
from rebalancer.policy.windows import change_windows
from rebalancer.problem import Problem
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.schedule.dispatch import Ride, dispatch, makespan
from rebalancer.schedule.lanes import Lane
from rebalancer.schedule.timetable import ALONE, CHAIN, work_bound

TICKS_A_SECOND = 10


def rides_of(legs: Sequence[Leg], waits: Sequence[tuple[int, ...]], problem: Problem, pace: Pace) -> tuple[Ride, ...]:
    """*legs* with their likely lengths; *waits* has the positions that each waits for."""
    return tuple(
        Ride(
            ticks=round(pace.likely(_wire(leg, legs, problem)) * TICKS_A_SECOND),
            source=leg.source,
            target=leg.target,
            network=_network(leg, problem),
            after=before,
            carries=bool(leg.disks),
        )
        for leg, before in zip(legs, waits, strict=True)
    )


def _network(leg: Leg, problem: Problem) -> Uuid | None:
    """Over which network *leg* travels; with disks by the management interfaces."""
    return None if leg.disks else migration_network(problem.pool, leg.source, leg.target)


def _wire(leg: Leg, legs: Sequence[Leg], problem: Problem) -> float:
    """Seconds on the wire, shared by as many legs at once as the limits allow."""
    pool, limits = problem.pool, problem.policy.limits
    leaving = sum(each.source == leg.source for each in legs)
    coming = sum(each.target == leg.target for each in legs)
    sharing = (
        min(leaving, limits.out_per_host, limits.concurrent),
        min(coming, limits.in_per_host, limits.concurrent),
    )
    copied = DiskSizes(problem).copied_by(leg.move)
    return wire_seconds(copied, pool, (leg.source, leg.target), _network(leg, problem), sharing=sharing)


def schedule_of(steps: Sequence[Step], problem: Problem, made_at: datetime) -> Schedule:
    """The schedule of *steps*, which begin when a window of the policy is open at *made_at* or opens next."""
    limits, windows = problem.policy.limits, change_windows(problem.policy)
    begins_at = windows.opens_at(made_at)
    closes_at = windows.closes_at(begins_at)
    bound, lane = work_bound(_rides(steps, [step.seconds for step in steps]), limits)
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


def _rides(steps: Sequence[Step], seconds: Sequence[float]) -> tuple[Ride, ...]:
    """*steps*, if they took *seconds*."""
    position = {step.id: number for number, step in enumerate(steps)}
    return tuple(
        Ride(
            ticks=round(length * TICKS_A_SECOND),
            source=step.source,
            target=step.target,
            network=step.network,
            after=tuple(position[each] for each in step.after),
            carries=step.carries,
        )
        for step, length in zip(steps, seconds, strict=True)
    )


def _total(steps: Sequence[Step], seconds: Sequence[float], problem: Problem) -> float:
    """Seconds until all of *steps* are done, if they took *seconds* and were launched in their order."""
    rides = _rides(steps, seconds)
    return makespan(rides, dispatch(rides, problem.policy.limits, range(len(rides)))) / TICKS_A_SECOND


def _words(lane: Lane, problem: Problem) -> str:
    """What the bound rests on."""
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
    return f"migrations {kind} {problem.pool.hosts[where or ''].name}, {most} at a time"
