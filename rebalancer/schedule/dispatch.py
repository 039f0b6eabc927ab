"""When steps begin if each is launched as soon as it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from rebalancer.inventory import Uuid
from rebalancer.policy import LimitsPolicy
from rebalancer.schedule.lanes import Lanes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ride:
    """A step as schedules see it: `ticks` are tenths of seconds, `after` positions of earlier rides."""

    ticks: int
    source: Uuid
    target: Uuid
    network: Uuid | None
    after: tuple[int, ...]
    carries: bool = False


def dispatch(rides: Sequence[Ride], limits: LimitsPolicy, rank: Sequence[int]) -> tuple[int, ...]:
    """The tick in which each of *rides* begins.

    Whenever one has ended, the first in *rank* begins whose `after` are done and whose lanes have room, then the next.

    Args:
        rides: in an order in which nobody waits for a later one.
        limits: how many may run at once.
        rank: positions, most urgent first.
    """
    lanes, done, running = Lanes(limits), set[int](), list[tuple[int, int]]()
    starts, waiting, now = [0] * len(rides), list(rank), 0
    while waiting:
        for position in tuple(waiting):
            if done.issuperset(rides[position].after) and lanes.has_room(rides[position]):
                lanes.enter(rides[position])
                starts[position] = now
                waiting.remove(position)
                heappush(running, (now + rides[position].ticks, position))
        now, ended = heappop(running)
        lanes.leave(rides[ended])
        done.add(ended)
    return tuple(starts)


def makespan(rides: Sequence[Ride], starts: Sequence[int]) -> int:
    """The tick in which the last ride ends; 0 without rides."""
    return max((start + ride.ticks for start, ride in zip(starts, rides, strict=True)), default=0)
