"""How many migrations may run at once, and where: in the pool, out of a host, into one, over one network."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from rebalancer.inventory import Uuid
from rebalancer.policy import LimitsPolicy

Lane = tuple[str, Uuid | None]
"""What migrations share: the pool, a host that they leave or come to, or a network."""


class Travel(Protocol):
    """What a migration occupies; `network` is None for the management interfaces."""

    @property
    def source(self) -> Uuid:
        """Where it leaves."""

    @property
    def target(self) -> Uuid:
        """Where it comes to."""

    @property
    def network(self) -> Uuid | None:
        """Over which network."""

    @property
    def carries(self) -> bool:
        """Whether disks go along."""


def capacities(travel: Travel, limits: LimitsPolicy) -> dict[Lane, int]:
    """The lanes of *travel*, and how many migrations each takes at once."""
    found: dict[Lane, int] = {
        ("pool", None): limits.concurrent,
        ("out of", travel.source): limits.out_per_host,
        ("into", travel.target): limits.in_per_host,
    }
    if limits.per_link is not None:
        found["over", travel.network] = limits.per_link
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

    def has_room(self, travel: Travel) -> bool:
        """Whether *travel* may begin now."""
        return not self._carrying and all(
            self._held[lane] < most for lane, most in capacities(travel, self._limits).items()
        )

    def enter(self, travel: Travel) -> None:
        """From now on *travel* is on the way."""
        self._held.update(capacities(travel, self._limits).keys())
        self._carrying += travel.carries

    def leave(self, travel: Travel) -> None:
        """*travel* is over."""
        self._held.subtract(capacities(travel, self._limits).keys())
        self._carrying -= travel.carries
