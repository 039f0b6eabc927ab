"""How many migrations may run at once, and where, and when each begins that is launched as soon as it may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from rebalancer.inventory import Uuid
from rebalancer.placement import Migration
from rebalancer.plan.step import Step
from rebalancer.policy import LimitsPolicy

Lane = tuple[str, Uuid | None]
"""What migrations share: the pool, a host that they leave or come to, or a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A migration as schedules see it: `ticks` are tenths of seconds, `after` positions of earlier jobs.

    It goes over `network`; over the management interfaces where that is None.
    """

    migration: Migration
    ticks: int
    after: tuple[int, ...]
    network: Uuid | None

    @property
    def carries(self) -> bool:
        """Whether disks go along."""
        return bool(self.migration.disks)


def capacities(job: Job | Step, limits: LimitsPolicy) -> dict[Lane, int]:
    """The lanes of *job*, and how many migrations each takes at once."""
    found: dict[Lane, int] = {
        ("pool", None): limits.concurrent,
        ("out of", job.migration.source): limits.out_per_host,
        ("into", job.migration.target): limits.in_per_host,
    }
    if limits.per_link is not None:
        found["over", job.network] = limits.per_link
    return found


class Lanes:
    """Who is on the way: lets a migration in only where every lane of it has room.

    Beside a Storage XenMotion nothing is begun: it makes disks and snapshots of its own while it runs, so that nobody
    could judge the pool. What has begun before it goes on.
    """

    def __init__(self, limits: LimitsPolicy) -> None:
        self._limits = limits
        self._held: Counter[Lane] = Counter()
        self._carrying = 0

    def has_room(self, job: Job | Step) -> bool:
        """Whether *job* may begin now."""
        return not self._carrying and all(
            self._held[lane] < most for lane, most in capacities(job, self._limits).items()
        )

    def enter(self, job: Job | Step) -> None:
        """From now on *job* is on the way."""
        self._held.update(capacities(job, self._limits).keys())
        self._carrying += job.carries

    def leave(self, job: Job | Step) -> None:
        """*job* is over."""
        self._held.subtract(capacities(job, self._limits).keys())
        self._carrying -= job.carries


def dispatch(jobs: Sequence[Job], limits: LimitsPolicy, rank: Sequence[int]) -> tuple[int, ...]:
    """The tick in which each of *jobs* begins.

    Once all that end in one tick have left their lanes, the first in *rank* begins whose `after` are done and whose
    lanes have room, then the next.

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
        now = running[0][0]
        while running and running[0][0] == now:
            _, ended = heappop(running)
            lanes.leave(jobs[ended])
            done.add(ended)
    return tuple(starts)


def makespan(jobs: Sequence[Job], starts: Sequence[int]) -> int:
    """The tick in which the last job ends; 0 without jobs."""
    return max((start + job.ticks for start, job in zip(starts, jobs, strict=True)), default=0)
