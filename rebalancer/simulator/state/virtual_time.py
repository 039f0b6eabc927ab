"""A time of its own, in which hours pass in moments and everything happens in the same order again.

Threads take turns: one runs, until it waits or ends. Where all wait, the time leaps to the moment at which the first
of them is to go on. Work that only waits thus costs nothing, and nothing depends on how busy the machine is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf
from threading import Condition, Event, Lock, RLock, Thread

from rebalancer.simulator.state.timing import Timing


class EverybodyWaits(RuntimeError):
    """No thread can ever go on."""


@dataclass(slots=True, eq=False)
class Turn:
    """What a thread waits for: `baton` is let go when it is its turn."""

    baton: Lock = field(default_factory=Lock)
    is_over: bool = False
    woken: bool = False


class VirtualTime(Timing):
    """Time for the thread that makes this, and for those that it starts; no other may touch what lives in it.

    Args:
        begins: seconds since the epoch at the start.
    """

    def __init__(self, begins: float) -> None:
        self._begins, self._passed = begins, 0.0
        self._queue: list[tuple[float, int, Turn]] = []
        self._numbers = count()
        self._running = 0
        self.failures: list[BaseException] = []

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._begins + self._passed

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Let the others run for *seconds*."""
        self.wait(Turn(), seconds)

    def condition(self, lock: RLock) -> Condition:
        """A condition of *lock*, which waits in this time."""
        return _Condition(lock, self)

    def event(self) -> Event:
        """An event that has not happened, for which one waits in this time."""
        return _Event(self)

    def start(self, work: Callable[[], None]) -> None:
        """Begin *work* when the caller waits next; what it raises is kept in `failures`."""
        turn = Turn()
        turn.baton.acquire()
        self._running += 1

        def run() -> None:
            turn.baton.acquire()
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the next thread has its turn
                self.failures.append(error)
            self._running -= 1
            self._following().baton.release()

        self._queue_up(turn, 0.0)
        Thread(target=run, daemon=True).start()

    def drain(self) -> int:
        """Let all others run until none can go on by itself, and return how many have not ended: they wait for ever."""
        while self._running and any(not turn.is_over for _, _, turn in self._queue):
            self.wait(Turn(), self._last() - self._passed)
        return self._running

    def wait(self, turn: Turn, seconds: float | None) -> bool:
        """Wait until *turn* is woken, or *seconds* are over; whether it was woken.

        Raises:
            EverybodyWaits: nobody is left to wake it.
        """
        turn.baton.acquire(blocking=False)
        if seconds is not None:
            self._queue_up(turn, max(0.0, seconds))
        following = self._following()
        if following is not turn:
            following.baton.release()
            turn.baton.acquire()
        return turn.woken

    def wake(self, turn: Turn) -> None:
        """Let whoever waits for *turn* go on, once the caller waits."""
        if not (turn.is_over or turn.woken):
            turn.woken = True
            self._queue_up(turn, 0.0)

    def _queue_up(self, turn: Turn, seconds: float) -> None:
        heappush(self._queue, (self._passed + seconds, next(self._numbers), turn))

    def _following(self) -> Turn:
        """Whose turn it is now."""
        while self._queue:
            due, _, turn = heappop(self._queue)
            if not turn.is_over:
                self._passed, turn.is_over = max(self._passed, due), True
                return turn
        raise EverybodyWaits("every thread waits for another")

    def _last(self) -> float:
        return max((due for due, _, turn in self._queue if not turn.is_over), default=inf)


class _Condition(Condition):
    """A condition whose waiting costs no time of the machine."""

    def __init__(self, lock: RLock, time: VirtualTime) -> None:
        super().__init__(lock)
        self._time, self._turns = time, list[Turn]()

    def wait(self, timeout: float | None = None) -> bool:
        """Let go of the lock until somebody notifies, or *timeout* seconds are over; whether somebody did."""
        turn = Turn()
        self._turns.append(turn)
        held = self._release_save()  # type: ignore[attr-defined]  # as every lock of a condition has it
        try:
            return self._time.wait(turn, timeout)
        finally:
            self._acquire_restore(held)  # type: ignore[attr-defined]
            self._turns = [each for each in self._turns if each is not turn]

    def notify(self, n: int = 1) -> None:
        """Let *n* of those go on who wait."""
        woken, self._turns = self._turns[:n], self._turns[n:]
        for turn in woken:
            self._time.wake(turn)

    def notify_all(self) -> None:
        """Let all go on who wait."""
        self.notify(len(self._turns))


class _Event(Event):
    """An event for which one waits without a time of the machine."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._changed = time.condition(RLock())

    def set(self) -> None:
        """Let it happen."""
        with self._changed:
            super().set()
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it happens, or *timeout* seconds are over; whether it has happened."""
        with self._changed:
            if not self.is_set():
                self._changed.wait(timeout)
            return self.is_set()
