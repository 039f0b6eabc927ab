"""When steps begin if each is launched as soon as it may be."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from rebalancer.policy import LimitsPolicy
from rebalancer.schedule.lanes import Job, Lanes


def dispatch(jobs: Sequence[Job], limits: LimitsPolicy, rank: Sequence[int]) -> tuple[int, ...]:
    """The tick in which each of *jobs* begins.

    Whenever one has ended, the first in *rank* begins whose `after` are done and whose lanes have room, then the next.

    Args:
        jobs: in an order in which nobody waits for a later one.
        limits: how many may run at once.
        rank: positions, most urgent first.
    """
    lanes, done, running = Lanes(limits), set[int](), list[tuple[int, int]]()
    starts, waiting, now = [0] * len(jobs), list(rank), 0
    while waiting:
        for position in tuple(waiting):
            if done.issuperset(jobs[position].after) and lanes.has_room(jobs[position]):
                lanes.enter(jobs[position])
                starts[position] = now
                waiting.remove(position)
                heappush(running, (now + jobs[position].ticks, position))
        now, ended = heappop(running)
        lanes.leave(jobs[ended])
        done.add(ended)
    return tuple(starts)


def makespan(jobs: Sequence[Job], starts: Sequence[int]) -> int:
    """The tick in which the last job ends; 0 without jobs."""
    return max((start + job.ticks for start, job in zip(starts, jobs, strict=True)), default=0)
