"""Nights that go by the clock of the pool, which a simulated one may have set days ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import rebalancer as rb
from rebalancer.execute import Clock


class PoolTime(Clock):
    """This machine's clock, moved by how far that of the pool at *url* is ahead of it now.

    Raises:
        XapiError: the pool cannot be asked.
    """

    def __init__(self, url: str, connection: rb.Connection) -> None:
        with rb.connect(url, connection) as live:
            pool = live.read().uuid
            asked = datetime.now(UTC)
            shown = live.marks.clock(pool)
            self._ahead = shown - asked if abs(shown - asked) > timedelta(seconds=1) else timedelta()

    def now(self) -> datetime:
        """The moment, in UTC, by the clock of the pool."""
        return datetime.now(UTC) + self._ahead
