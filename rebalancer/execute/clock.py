"""Time, as the runner sees it: handed in, so that tests do not wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The moment, in UTC: for journals, expiry and deadlines."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment, never backwards: for waiting."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait *seconds*; a signal handler runs meanwhile."""
        time.sleep(seconds)
