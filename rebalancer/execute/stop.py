"""How a run is asked to end: once to start nothing more, twice to cancel what runs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from types import FrameType

from rebalancer.interruption import INTERRUPTING


class Wish(IntEnum):
    """What is wanted of a run."""

    GO_ON = 0
    START_NOTHING_MORE = 1
    CANCEL = 2


@dataclass(slots=True)
class StopSignal:
    """How often somebody asked to stop; safe to use in a signal handler, because it takes no lock.

    It is `heeded` from the moment at which a run looks at it: until then there is nothing to be stopped in order.
    `under_way` names the steps that have to be followed to their end, whoever asks.
    """

    asked: int = 0
    heeded: bool = False
    under_way: Callable[[], Sequence[str]] = tuple
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

    def heed(self) -> None:
        """From now on a run asks for the wish."""
        self.heeded = True

    @property
    def wish(self) -> Wish:
        """What is wanted now."""
        return Wish(min(self.asked, Wish.CANCEL))


Tell = Callable[[Wish, Sequence[str]], None]
"""Hears what is wanted, and which steps are under way."""


@contextmanager
def stop_on_signals(tell: Tell = lambda _wish, _under_way: None) -> Iterator[StopSignal]:
    """A stop signal that Ctrl-C and SIGTERM ask until the block ends; main thread only.

    A terminal that is lost (SIGHUP) stops no run: it goes on, and its journal tells how. Until a run heeds the signal,
    each of the three interrupts what is done, as Ctrl-C does in Python. What was ignored before, as `nohup` has it,
    stays ignored.

    Example:
        >>> import rebalancer as rb
        >>> with rb.execute.stop_on_signals() as stop:
        ...     stop.asked
        0

    Args:
        tell: called in the signal handler, so it may take no lock.

    Raises:
        KeyboardInterrupt: a signal came before there was a run.
        ValueError: the caller is not the main thread.
    """
    before = {int(each): signal.getsignal(each) for each in INTERRUPTING}
    answer = _Answer(stop=StopSignal(), tell=tell, before=before)
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, answer)
    try:
        yield answer.stop
    finally:
        for number in heard:
            signal.signal(number, before[number])


@dataclass(slots=True, kw_only=True)
class _Answer:
    """What is done about a signal: before a run heeds `stop`, whatever was done `before`."""

    stop: StopSignal
    tell: Tell
    before: Mapping[int, object]

    @property
    def raises(self) -> bool:
        """Whether it interrupts what is done, see `rebalancer.interruption`."""
        return not self.stop.heeded

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.stop.heeded:
            handler = self.before[number]
            (handler if callable(handler) else signal.default_int_handler)(number, frame)
        elif number != signal.SIGHUP:
            self.stop.ask()
            self.tell(self.stop.wish, self.stop.under_way())
