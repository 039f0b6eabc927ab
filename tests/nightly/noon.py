"""A pool with two hot hosts, and a noon at which nights begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rebalancer.execute import Clock, Timeouts
from rebalancer.simulator import generate_pool

POOL = generate_pool(hosts=4, vms=24, seed=5, fill=0.5, hot=0.5, pinned=0.0, cpus=16)
TIMEOUTS = Timeouts(poll=0.02, held=0.1, unreachable=5, quiet=0.4, retry=0.2, step=30, cancel=5)
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class NoonClock(Clock):
    """It is noon on Wednesday, 4 March 2026, and time passes as it does."""

    def __init__(self) -> None:
        self.begun = self.monotonic()

    def now(self) -> datetime:
        """Noon and what has passed since."""
        return NOON + timedelta(seconds=self.monotonic() - self.begun)
