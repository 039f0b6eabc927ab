"""Nights that go by the clock of the pool, which a simulated one may have set days ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import rebalancer as rb
from rebalancer.execute import Clock


class AheadOfThis(Clock):
    """This machine's clock, moved.

    Args:
        ahead: by how much it is ahead of this machine's.
    """

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        """The moment, in UTC."""
        return datetime.now(UTC) + self.ahead


class PoolTime(AheadOfThis):
    """This machine's clock, moved by how far that of the pool at *url* is ahead of it now.

    Raises:
        XapiError: the pool cannot be asked.
    """

    def __init__(self, url: str, connection: rb.Connection) -> None:
        with rb.connect(url, connection) as live:
            pool = live.read().uuid
            asked = datetime.now(UTC)
            shown = live.marks.clock(pool)
        super().__init__(shown - asked if abs(shown - asked) > timedelta(seconds=1) else timedelta())
