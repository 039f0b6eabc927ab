"""The order in which steps are launched, so that all of them are done early."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from rebalancer.policy import LimitsPolicy
from rebalancer.schedule.lanes import Job, Lane, capacities, dispatch, makespan

GOOD_ENOUGH = Fraction(1005, 1000)
"""So close to the bound, the given order is kept: it has the most urgent first."""

TRIES, LATE = 150, 12
"""How often one of so many jobs that end last is tried elsewhere."""

CHAIN: Lane = ("chain", None)
"""In the place of a lane: steps that wait for each other."""
ALONE: Lane = ("alone", None)
"""In the place of a lane: steps with disks, beside which nothing begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """Starts in ticks by position, the length of all, and what no timetable of these jobs can beat."""

    starts: tuple[int, ...]
    ticks: int
    bound: Fraction
    bound_by: Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What jobs hold of something that has `room`: by position, some until they end, others from their start on."""

    until_end: Mapping[int, int]
    from_start: Mapping[int, int]
    room: int


def freely(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """*jobs*, if none waited for another."""
    return tuple(replace(job, after=()) for job in jobs)


def timetable(jobs: Sequence[Job], limits: LimitsPolicy, *, effort: float = 0.0) -> Timetable:
    """The best of several rankings: as given, what much waits for, what is long, what crowded lanes hold.

    Where none comes close to the bound, CP-SAT looks for a better order of beginnings, and what is dispatched in that
    order counts; where that is not close either, jobs that end late are let begin earlier.

    Args:
        jobs: in an order in which nobody waits for a later one.
        limits: how many may run at once.
        effort: how long CP-SAT may try, in its deterministic seconds; 0 for not at all.
    """
    made = _listed(jobs, limits)
    if not effort or made.ticks <= made.bound * GOOD_ENOUGH:
        return made
    improved = within(jobs, limits, (), made, effort)
    starts = dispatch(jobs, limits, sorted(range(len(jobs)), key=lambda each: (improved[each], each)))
    ticks = makespan(jobs, starts)
    found = replace(made, starts=starts, ticks=ticks) if ticks < made.ticks else made
    return _evened(jobs, limits, found)


def _evened(jobs: Sequence[Job], limits: LimitsPolicy, made: Timetable) -> Timetable:
    """*made* with late jobs tried elsewhere in its order, one after another; what is no longer is kept."""
    chance, best = random.Random(1), made
    rank = sorted(range(len(jobs)), key=lambda each: (made.starts[each], each))
    for _ in range(TRIES):
        if best.ticks <= best.bound * GOOD_ENOUGH:
            break
        late = sorted(rank, key=lambda each: -(best.starts[each] + jobs[each].ticks))[:LATE]
        moved = chance.choice(late)
        other = [each for each in rank if each != moved]
        other.insert(chance.randrange(len(rank)), moved)
        starts = dispatch(jobs, limits, other)
        if (ticks := makespan(jobs, starts)) <= best.ticks:
            best, rank = replace(best, starts=starts, ticks=ticks), other
    return best


def within(
    jobs: Sequence[Job], limits: LimitsPolicy, stocks: Sequence[Stock], made: Timetable, effort: float
) -> tuple[int, ...]:
    """Starts by CP-SAT that keep *stocks*, no worse than those of *made*, which do.

    The same jobs, stocks and effort give the same answer.
    """
    from rebalancer.solve.exact.intervals import Intervals, Reservoir, Shared, shortened  # noqa: PLC0415 - brings the solver along

    members: dict[Lane, list[int]] = {}
    _, width = _work(jobs, limits)
    for position, job in enumerate(jobs):
        for lane in capacities(job, limits):
            members.setdefault(lane, []).append(position)
    tasks = Intervals(
        ticks=tuple(job.ticks for job in jobs),
        after=tuple(job.after for job in jobs),
        lanes=tuple(Shared(members=tuple(each), width=width[lane]) for lane, each in members.items()),
        alone=tuple(position for position, job in enumerate(jobs) if job.carries),
        held=tuple(Reservoir(until_end=each.until_end, from_start=each.from_start, room=each.room) for each in stocks),
    )
    return shortened(tasks, made.starts, least=ceil(work_bound(jobs, limits)[0]), effort=effort)


def _listed(jobs: Sequence[Job], limits: LimitsPolicy) -> Timetable:
    bound, bound_by = work_bound(jobs, limits)
    best: Timetable | None = None
    for rank in _ranks(jobs, limits):
        starts = dispatch(jobs, limits, rank)
        ticks = makespan(jobs, starts)
        if best is None or ticks < best.ticks:
            best = Timetable(starts=starts, ticks=ticks, bound=bound, bound_by=bound_by)
        if best.ticks <= bound * GOOD_ENOUGH:
            break
    return best or Timetable(starts=(), ticks=0, bound=bound, bound_by=bound_by)


def work_bound(jobs: Sequence[Job], limits: LimitsPolicy) -> tuple[Fraction, Lane]:
    """What no timetable can beat, and why.

    It is the work of a lane by its width, the longest chain of `after`, or what steps with disks take one by one.
    """
    work, width = _work(jobs, limits)
    bounds = [(Fraction(work[lane], width[lane]), lane) for lane in work]
    chain = Fraction(max(_tails(jobs), default=0))
    return max(((chain, CHAIN), *bounds, (_alone(jobs, limits), ALONE)), key=lambda each: each[0])


def _alone(jobs: Sequence[Job], limits: LimitsPolicy) -> Fraction:
    """Ticks of the jobs with disks, and of what no lane can do of the others while those run.

    Beside a job with disks only what began before it goes on: as many as a lane takes besides, none for longer than
    its own length. The rest of the lane's work is done while no disk travels.
    """
    carriers, plain = [job for job in jobs if job.carries], [job for job in jobs if not job.carries]
    work, width = _work(plain, limits)
    rest = Fraction()
    for lane in work if carriers else ():
        longest = max(job.ticks for job in plain if lane in capacities(job, limits))
        beside = sum(min(job.ticks, longest) * _besides(job, lane, width[lane], limits) for job in carriers)
        rest = max(rest, Fraction(work[lane] - beside, width[lane]))
    return sum(job.ticks for job in carriers) + rest


def _besides(carrier: Job, lane: Lane, width: int, limits: LimitsPolicy) -> int:
    """How many others *lane* may hold while *carrier* runs."""
    return min(width - (lane in capacities(carrier, limits)), limits.concurrent - 1)


def _work(jobs: Sequence[Job], limits: LimitsPolicy) -> tuple[Counter[Lane], dict[Lane, int]]:
    work, width = Counter[Lane](), dict[Lane, int]()
    for job in jobs:
        for lane, most in capacities(job, limits).items():
            work[lane] += job.ticks
            width[lane] = most
    return work, width


def _tails(jobs: Sequence[Job]) -> list[int]:
    """For each job the ticks from its start to the end of all that waits for it, at least."""
    tails = [job.ticks for job in jobs]
    for position in reversed(range(len(jobs))):
        for earlier in jobs[position].after:
            tails[earlier] = max(tails[earlier], jobs[earlier].ticks + tails[position])
    return tails


def _ranks(jobs: Sequence[Job], limits: LimitsPolicy) -> Iterator[Sequence[int]]:
    positions = range(len(jobs))
    tails = _tails(jobs)
    work, width = _work(jobs, limits)
    crowd = [max(Fraction(work[lane], width[lane]) for lane in capacities(job, limits) if lane[1]) for job in jobs]
    yield positions
    yield sorted(positions, key=lambda each: -tails[each])
    yield sorted(positions, key=lambda each: (-crowd[each], -tails[each]))
    yield sorted(positions, key=lambda each: (-crowd[each], -jobs[each].ticks))
    yield sorted(positions, key=lambda each: -jobs[each].ticks)
