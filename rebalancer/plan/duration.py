"""How long a XenMotion takes: from its bytes, the speed of the wire, and what earlier runs have shown.

Seconds = fixed + factor x wire, where wire is what the bytes take on the slower of the two interfaces at its nominal
speed. Memory travels over the network that Xen Orchestra was told to use (`xo:migrationNetwork` of the pool), where
both hosts have a plugged interface with an address on it; else over the management interface, as xapi does by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rebalancer.inventory import PIF, Host, Pool, Uuid

FIXED_SECONDS = 8.0
"""Checks, storage and network set-up, and the hand-over: what even an idle small VM takes."""
USABLE_SHARE = 0.8
"""Of the wire's speed, what TLS, the protocol and the copying leave."""
DIRTY_FACTOR = 1.3
"""Memory that changes while it is copied is copied again."""
LOW_SHARE, HIGH_SHARE = 0.6, 2.0
"""Without experience: a VM that rests on a free wire, and one that writes all the time."""
LEAST_SECONDS = 0.1
"""What no step is shorter than: a schedule counts in tenths, and a step of none would be on its way at no time."""
LEAST_STEPS = 8
"""From fewer steps nothing is learned."""
DEFAULT_MBITS = 1000
MIGRATION_NETWORK = "xo:migrationNetwork"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How steps of this pool come to their seconds, and what it rests on.

    `low` and `high` are shares of the likely time: where nothing was learned, assumptions; else what nine of ten steps
    stayed above, and below. `steps` is how many steps of earlier runs all of this rests on; 0 for none.
    """

    fixed_seconds: float
    factor: float
    low: float
    high: float
    steps: int

    def likely(self, wire_seconds: float) -> float:
        """Seconds of a step whose bytes take *wire_seconds* on the wire, in tenths."""
        return max(LEAST_SECONDS, round(self.fixed_seconds + self.factor * wire_seconds, 1))

    def interval(self, likely: float) -> tuple[float, float]:
        """Between which seconds a step stays that likely takes *likely*, in tenths."""
        low = max(LEAST_SECONDS, round(self.low * likely, 1))
        return min(likely, low), max(likely, round(self.high * likely, 1))


NO_EXPERIENCE = Pace(
    fixed_seconds=FIXED_SECONDS, factor=DIRTY_FACTOR / USABLE_SHARE, low=LOW_SHARE, high=HIGH_SHARE, steps=0
)
"""What is assumed of a pool in which nothing was carried out yet."""


def migration_network(pool: Pool, source: Uuid, target: Uuid) -> Uuid | None:
    """The network that was chosen for migrations, where both hosts can use it; None for the management interface."""
    network = pool.of_host(source).other_config.get(MIGRATION_NETWORK)
    ends = [_interfaces(pool.hosts[host], network) for host in (source, target)]
    return network if network in pool.networks and all(ends) else None


def wire_seconds(
    copied_bytes: int, pool: Pool, ends: tuple[Uuid, Uuid], network: Uuid | None, *, sharing: tuple[int, int]
) -> float:
    """Seconds that *copied_bytes* take on the wire alone.

    Args:
        copied_bytes: memory and disks.
        pool: has the interfaces.
        ends: from which host, and to which.
        network: over which network; None for the management interfaces.
        sharing: how many migrations leave the source at once, and how many come to the target, this one included.
    """
    share = max(count / _mbits(pool.hosts[end], network) for count, end in zip(sharing, ends, strict=True))
    return copied_bytes * 8 * share / 1_000_000


def _interfaces(host: Host, network: Uuid | None) -> list[PIF]:
    return [pif for pif in host.pifs if pif.network == network and pif.currently_attached and pif.ip]


def _mbits(host: Host, network: Uuid | None) -> int:
    chosen: Iterable[PIF] = _interfaces(host, network) if network else (pif for pif in host.pifs if pif.management)
    return min((pif.speed_mbits for pif in chosen if pif.speed_mbits), default=DEFAULT_MBITS)
