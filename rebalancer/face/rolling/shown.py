"""What a pool shows of a host that goes down and comes back: whether it is fit to, whether it did, what it lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import Final

from rebalancer.execute.power.switch import guests_on
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.units import first_few, moment_in_words

BOOTED: Final = "boot_time"
"""The key of `host.other_config` in which xapi writes when the host has booted, in seconds since the epoch."""
PLATFORM: Final = "platform_version"
JITTER_SECONDS: Final = 5.0
"""xapi reckons the time of a boot anew whenever it starts, from clock and uptime: it differs by so much at most."""
GOING_DOWN: Final = frozenset({"reboot", "shutdown"})
SHOWN: Final = 5


def boot_time(host: Host) -> str:
    """When *host* has booted, as xapi writes it; "" where nobody can read it."""
    text = host.other_config.get(BOOTED, "")
    return text if _seconds(text) is not None else ""


def has_booted(host: Host, before: str) -> bool:
    """Whether *host* has booted since it wrote *before*."""
    then, now = _seconds(before), _seconds(boot_time(host))
    return then is not None and now is not None and now > then + JITTER_SECONDS


def is_going_down(host: Host) -> bool:
    """Whether *host* is down, or on its way there."""
    return not host.live or not GOING_DOWN.isdisjoint(host.current_operations)


def unfit(pool: Pool, host: Host, but: Collection[Uuid] = ()) -> Iterator[str]:
    """What stands against *host* going down, a sentence each, now or once the VMs in *but* are shut down."""
    if guests := guests_on(host.uuid, pool, but=but):
        yield f"{host.name} is not empty: {first_few(guests, SHOWN)} came meanwhile"
    if host.enabled:
        yield f"{host.name} is not disabled any more: somebody has enabled it"
    if not host.live:
        yield f"{host.name} is not live"


def lacking(host: Host, *, before: str, version: str | None, unplugged: tuple[str, ...]) -> Iterator[str]:
    """What *host* lacks to be back, a sentence each: live, booted after *before*, its storage, and the *version*."""
    if not host.live:
        yield f"the pool does not see {host.name} live"
        return
    if not has_booted(host, before):
        yield f"{host.name} has not booted since {_moment(before)}"
        return
    runs = host.software_version.get(PLATFORM, "")
    if version and runs != version:
        yield f"{host.name} runs platform version {runs or 'unknown'}, not {version}"
    if unplugged:
        yield f"storage that {host.name} had is not plugged: {', '.join(unplugged)}"


def _seconds(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None


def _moment(text: str) -> str:
    return moment_in_words(datetime.fromtimestamp(float(text), UTC), "UTC")
