"""How many migrations may run at once, and where: in the pool, out of a host, into one, over one network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

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
