"""The time in which a simulated pool lives, and the threads that its work runs in: those of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition, Event, RLock, Thread


class Timing:
    """The machine's own clock and threads."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment, never backwards."""
        return time.monotonic()

    def condition(self, lock: RLock) -> Condition:
        """A condition of *lock*."""
        return Condition(lock)

    def event(self) -> Event:
        """An event that has not happened."""
        return Event()

    def start(self, work: Callable[[], None]) -> None:
        """Begin *work* beside the caller; nobody waits for it when the process ends."""
        Thread(target=work, daemon=True).start()
