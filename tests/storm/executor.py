"""A process that carries a plan out inside a storm: it can die at any call and any line, and be cut off for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import local
from typing import TYPE_CHECKING

from rebalancer.execute import Clock, StopSignal
from tests.storm.record import Run

if TYPE_CHECKING:
    from rebalancer.simulator import VirtualTime

CALL, LINE = "call", "line"
BEFORE, HALF, AFTER = "before", "half-way through", "after"


class Killed(BaseException):
    """What `kill -9` is to a process: nobody catches it."""


class VirtualClock(Clock):
    """A clock in virtual time that somebody may set wrong by `ahead` seconds."""

    def __init__(self, time: VirtualTime) -> None:
        self.time, self.ahead = time, 0.0

    def now(self) -> datetime:
        """The time on the wall."""
        return datetime.fromtimestamp(self.time.now(), tz=UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        """Seconds since the storm began."""
        return self.time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let the others run."""
        self.time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of a run: the *nth* time that it comes to a call or a line of that name, any for an empty one."""

    kind: str
    name: str
    nth: int
    side: str

    def __str__(self) -> str:
        what = f"{self.kind} {self.name}" if self.name else self.kind
        return f"{self.side} its {what} number {self.nth}"


@dataclass(slots=True, kw_only=True)
class Executor:
    """One process; what the weather does to it happens at its points.

    Args:
        run: what the record says of it.
        clock: its clock.
        strikes: what happens at which point.
        stop: what asks it to stop.
        cut_until: until when the network does not carry its requests, or their answers.
        full_until: until when its disk takes no line.
    """

    run: Run
    clock: VirtualClock
    strikes: list[tuple[Point, Callable[[Executor], None]]] = field(default_factory=list)
    stop: StopSignal = field(default_factory=StopSignal)
    alive: bool = True
    cut_until: float = 0.0
    cut_side: str = BEFORE
    late_by: float | None = None
    full_until: float = 0.0
    _seen: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def come_to(self, kind: str, name: str, side: str) -> None:
        """Be at a point, where the weather may strike; whoever is dead comes to no point any more.

        Raises:
            Killed: the process ends, or has ended.
        """
        self.assert_alive()
        for which in (name, ""):
            self._seen[kind, which, side] += 1
        for point, strike in self.strikes:
            is_here = (point.kind, point.side) == (kind, side) and point.name in {name, ""}
            if is_here and self._seen[kind, point.name, side] == point.nth:
                strike(self)
        self.assert_alive()

    def count(self, kind: str) -> int:
        """How many points of that kind it has come to."""
        return self._seen[kind, "", BEFORE]

    def assert_alive(self) -> None:
        """Raise `Killed` for who is dead: whatever its `finally` blocks try, a dead process does nothing."""
        if not self.alive:
            raise Killed

    def die(self) -> None:
        """End here and now."""
        self.alive, self.run.died = False, self.clock.monotonic()


_THREAD = local()


def become(executor: Executor) -> None:
    """Let this thread be that process."""
    _THREAD.executor = executor


def this_executor() -> Executor | None:
    """The process that this thread is, if it is one."""
    return getattr(_THREAD, "executor", None)
