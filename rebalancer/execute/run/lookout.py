"""When to look again at what is on its way: as soon as the pool tells of it; where it tells nothing, after a poll.

One blocked call waits for all tasks and VMs at once. What it tells of a task that runs is believed; whatever else it
tells is looked at. All are looked at every `Timeouts.listen` seconds, so that news which were lost cost no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from rebalancer.errors import XapiError
from rebalancer.execute.live import Live
from rebalancer.execute.options import Clock, Timeouts
from rebalancer.execute.stop import StopSignal
from rebalancer.inventory import Uuid
from rebalancer.xapi import News, TaskState, TaskStatus

BREATH_SECONDS: Final = 0.1
"""The least between two calls: tasks tell of their progress many times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What ends a wait, whichever comes first: news of a task or of a VM, or a moment of `Clock.monotonic`."""

    task: str | None = None
    vm: Uuid | None = None
    until: float = inf


@dataclass(slots=True, kw_only=True)
class Lookout:
    """Rests until something is worth a look."""

    live: Live
    timeouts: Timeouts
    clock: Clock
    stop: StopSignal
    _news: News = field(default_factory=News, init=False)
    _asked: int = field(default=0, init=False)
    _all_at: float = field(default=-inf, init=False)
    _looks_at_all: bool = field(default=True, init=False)
    _rested_at: float = field(default=-inf, init=False)
    _deaf_until: float = field(default=-inf, init=False)

    def is_due(self, wait: Wait | None) -> bool:
        """Whether who waits for *wait* is to look now; without one, at every turn."""
        if wait is None or self._looks_at_all or self.clock.monotonic() >= wait.until:
            return True
        return wait.task in self._news.tasks or wait.vm in self._news.vms

    def heard(self, ref: str) -> TaskState | None:
        """How the task stands, if the pool has just told that it runs on; None where somebody has to look."""
        told = None if self._looks_at_all else self._news.tasks.get(ref)
        return told if told and told.status is TaskStatus.PENDING else None

    def rest(self, waits: Sequence[Wait | None], until: float = inf) -> None:
        """Wait for the first of *waits*, for the moment *until*, or for somebody who asks to stop."""
        self._news = News()
        news = self._listened(waits, until)
        if news is None:
            self.clock.sleep(self.timeouts.poll)
        now = self.clock.monotonic()
        self._looks_at_all = news is None or now >= self._all_at or self.stop.asked != self._asked
        if self._looks_at_all:
            self._all_at, self._asked = now + self.timeouts.listen, self.stop.asked
        self._news = news or News()

    def _listened(self, waits: Sequence[Wait | None], until: float) -> News | None:
        """What the pool tells; None where it tells nothing, so that one has to poll."""
        now = self.clock.monotonic()
        tasks = {wait.task for wait in waits if wait and wait.task}
        vms = {wait.vm for wait in waits if wait and wait.vm}
        if now < self._deaf_until or not (tasks or vms):
            return None
        self._breathe(now)
        try:
            news = self._blocked(tasks, vms, min(until, *self._moments(waits)))
        except XapiError:
            news = None
        if news is None:
            self._deaf_until = self.clock.monotonic() + self.timeouts.deaf
        return news

    def _moments(self, waits: Iterable[Wait | None]) -> tuple[float, ...]:
        """When to look whatever is told."""
        now = self.clock.monotonic()
        return (
            now + self.timeouts.listen,
            *(now + self.timeouts.poll if wait is None else wait.until for wait in waits),
        )

    def _breathe(self, now: float) -> None:
        if (left := self._rested_at + BREATH_SECONDS - now) > 0:
            self.clock.sleep(left)

    def _blocked(self, tasks: Iterable[str], vms: Iterable[Uuid], until: float) -> News | None:
        """What the pool tells until then; it is woken where somebody asks to stop."""
        with self.stop.waking(self.live.wake):
            if self.stop.asked != self._asked:
                return News()
            seconds = max(0.0, until - self.clock.monotonic())
            news = self.clock.during(lambda: self.live.news(frozenset(tasks), frozenset(vms), seconds))
        self._rested_at = self.clock.monotonic()
        return news
