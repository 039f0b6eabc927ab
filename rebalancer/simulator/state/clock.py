"""The clock of a simulated pool: it can be set, forward only, and runs as fast as one likes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from rebalancer.simulator.state.timing import Timing

AHEAD: Final = re.compile(r"\+(?P<count>\d+(?:\.\d+)?)(?P<unit>[smhdw])")
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
FORMS: Final = "2026-11-02T22:00 (UTC unless it says its zone), or +2h, +1d, +1w"


class PoolClock:
    """Seconds since the epoch by the clocks of a pool; called, it tells them.

    Args:
        timing: the time that the pool lives in.
        begins: what it shows at first; without it, the real time, until it is set.
        rate: how many of its seconds pass in one of *timing*.
    """

    def __init__(self, timing: Timing, begins: float | None = None, rate: float = 1.0) -> None:
        self._timing, self._rate = timing, rate
        self._is_real = begins is None and rate == 1.0
        self._shown, self._since = timing.now() if begins is None else begins, timing.monotonic()

    def __call__(self) -> float:
        """What it shows."""
        if self._is_real:
            return self._timing.now()
        return self._shown + (self._timing.monotonic() - self._since) * self._rate

    def put(self, text: str) -> float:
        """Set it to what *text* says, and return what it shows then.

        Raises:
            ValueError: the text is no time, or lies in the past: what was measured cannot be taken back.
        """
        now = self()
        wanted = time_of(text, now)
        if wanted < now:
            raise ValueError(f"the clock shows {shown(now)} and is never set back to {shown(wanted)}")
        self._shown, self._since, self._is_real = wanted, self._timing.monotonic(), False
        return wanted


def time_of(text: str, now: float) -> float:
    """Seconds since the epoch of a time, see `FORMS`; those that begin with a plus count from *now*.

    Example:
        >>> import rebalancer as rb
        >>> rb.simulator.time_of("+2h", now=1790000000.0)
        1790007200.0

    Raises:
        ValueError: it is none.
    """
    if ahead := AHEAD.fullmatch(text.strip()):
        return now + timedelta(**{UNITS[ahead["unit"]]: float(ahead["count"])}).total_seconds()
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()!r} is no time: write {FORMS}") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def shown(seconds: float) -> str:
    """A time since the epoch for people, in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
