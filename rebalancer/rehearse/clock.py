"""The clock of a run that is rehearsed: it shows virtual time."""

from __future__ import annotations

from datetime import UTC, datetime

from rebalancer.execute import Clock
from rebalancer.simulator import VirtualTime


class RehearsedClock(Clock):
    """A clock in *time*."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time

    def now(self) -> datetime:
        """The moment, in UTC."""
        return datetime.fromtimestamp(self._time.now(), tz=UTC)

    def monotonic(self) -> float:
        """Seconds since the rehearsal began."""
        return self._time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let the pool live for *seconds*."""
        self._time.sleep(seconds)
