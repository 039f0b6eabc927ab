"""Time, as a run sees it, and how long it waits for what: both handed in, so that tests do not wait."""

from __future__ import annotations

import time
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a run waits for what, in seconds.

    Args:
        poll: between two looks.
        busy: for another operation on the VM to end, before the step begins.
        unreachable: for a pool that does not answer to come back.
        quiet: how long a VM must show no migration before it counts as settled, where the task does not tell.
        retry: before the one retry of a step that was refused for a passing reason.
        step: for a migration to end, beyond `step_factor` times its estimate; then its task is cancelled.
        cancel: for a cancelled migration to end.
    """

    poll: float = 1.0
    busy: float = 600.0
    unreachable: float = 300.0
    quiet: float = 30.0
    retry: float = 15.0
    step: float = 1800.0
    step_factor: float = 4.0
    cancel: float = 300.0

    def for_step(self, estimate: float) -> float:
        """Seconds that a migration of *estimate* seconds may take."""
        return self.step + self.step_factor * estimate
