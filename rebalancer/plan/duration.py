"""How long a XenMotion takes: an estimate from memory and network speed, until a journal has told better."""

from __future__ import annotations

from rebalancer.inventory import VM, Host

FIXED_SECONDS = 8.0
"""Checks, storage and network set-up, and the hand-over: what even an idle small VM takes."""
USABLE_SHARE = 0.8
"""Of the wire's speed, what TLS, the protocol and the copying leave."""
DIRTY_FACTOR = 1.3
"""Memory that changes while it is copied is copied again."""
DEFAULT_MBITS = 1000
BITS_PER_BYTE = 8


def step_seconds(vm: VM, source: Host, target: Host) -> float:
    """Seconds that a live migration of *vm* is expected to take, in tenths, over the slower of the two interfaces."""
    bytes_per_second = min(_mbits(source), _mbits(target)) * 1_000_000 / BITS_PER_BYTE * USABLE_SHARE
    return round(FIXED_SECONDS + vm.migration_memory_bytes * DIRTY_FACTOR / bytes_per_second, 1)


def _mbits(host: Host) -> int:
    """Speed of the management interface, over which memory is copied; 1000 where xapi does not know it."""
    speeds = [pif.speed_mbits for pif in host.pifs if pif.management and pif.speed_mbits]
    return min(speeds, default=DEFAULT_MBITS)
