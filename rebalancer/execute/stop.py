"""How a run is asked to end: once to start nothing more, twice to cancel what runs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from types import FrameType


class Wish(IntEnum):
    """What is wanted of a run."""

    GO_ON = 0
    START_NOTHING_MORE = 1
    CANCEL = 2


@dataclass(slots=True)
class StopSignal:
    """How often somebody asked to stop; safe to use in a signal handler, because it takes no lock."""

    asked: int = 0
    _wakers: list[Callable[[], None]] = field(default_factory=list)

    def ask(self) -> None:
        """Count one more request to stop, and wake who waits."""
        self.asked += 1
        for wake in tuple(self._wakers):
            wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call *wake*, which takes no lock either, whenever somebody asks before the block ends."""
        self._wakers.append(wake)
        try:
            yield
        finally:
            self._wakers.remove(wake)

    @property
    def wish(self) -> Wish:
        """What is wanted now."""
        return Wish(min(self.asked, Wish.CANCEL))


@contextmanager
def stop_on_signals(tell: Callable[[Wish], None] = lambda _wish: None) -> Iterator[StopSignal]:
    """A stop signal that Ctrl-C, SIGTERM and a lost terminal (SIGHUP) ask, until the block ends; main thread only.

    Args:
        tell: called in the signal handler with what is wanted by then, so it may take no lock.

    Raises:
        ValueError: the caller is not the main thread.
    """
    asked = StopSignal()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        asked.ask()
        tell(asked.wish)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
