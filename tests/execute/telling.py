"""A scripted pool that tells of its tasks by itself, one poll of a script a second of the fake clock."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rebalancer.errors import XapiError
from rebalancer.inventory import Pool
from rebalancer.xapi import News, TaskState, TaskStatus
from tests.execute.scripted import HandClock, Script
from tests.execute.watchful import WatchfulPool


class TellingPool(WatchfulPool):
    """Its migrations go on with time, whoever looks.

    Args:
        pool: as it is at the start.
        clock: moved by every second that is waited for news.
        deaf: what every question for news raises, until it is None.
        mute: whether nothing is ever told.
    """

    def __init__(self, pool: Pool, clock: HandClock, **scripts: Script | list[Script]) -> None:
        super().__init__(pool, **scripts)
        self.clock = clock
        self.deaf: XapiError | None = None
        self.mute = False
        self.woken = 0
        self.listening = False
        self.asked: list[tuple[Collection[str], Collection[str], float]] = []
        self._lived, self.then = 0.0, clock.then
        clock.then = self._live_on

    def news(self, tasks: Collection[str], vms: Collection[str], seconds: float) -> News:
        """What changes first, within so many seconds."""
        self.before_each("news")
        self.asked.append((tasks, vms, seconds))
        if self.deaf:
            raise self.deaf
        self.listening = True
        news = self._first(tasks, vms, seconds)
        self.listening = False
        return news

    def _first(self, tasks: Collection[str], vms: Collection[str], seconds: float) -> News:
        until, woken = self.clock.seconds + seconds, self.woken
        before = self._told(tasks)
        while self.clock.seconds < until and self.woken == woken:
            places = self._places(vms)
            self.clock.sleep(min(1.0, until - self.clock.seconds))
            moved = frozenset(vm for vm, place in self._places(vms).items() if place != places[vm])
            changed = {ref: state for ref, state in self._told(tasks).items() if state != before[ref]}
            if (changed or moved) and not self.mute:
                return News(tasks=changed, vms=moved)
        return News()

    def wake(self) -> None:
        """Whoever waits goes on."""
        self.woken += 1

    def task(self, ref: str) -> TaskState:
        """As it stands; looking does not move it."""
        self.before_each("task")
        return self._tasks[ref].state

    def _told(self, tasks: Collection[str]) -> dict[str, TaskState]:
        return {ref: self._tasks[ref].state for ref in tasks}

    def _places(self, vms: Collection[str]) -> dict[str, Any]:
        return {vm: self.pool.vms.get(vm) for vm in vms}

    def _live_on(self, now: float) -> None:
        while self._lived + 1 <= now:
            self._lived += 1
            for task in tuple(self._tasks.values()):
                if task.state.status is TaskStatus.PENDING:
                    self._go_on(task)
        self.then(now)
