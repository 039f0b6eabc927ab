"""The lock of one pool: a key in its `gui_config`, which a VM operator may write.

`rebalancer:lock` says who holds it, and is never rewritten while held. `rebalancer:lease:RUN:NUMBER` says when its
holder was last seen: the next number is added before the last is removed, so that there is always one. Whoever removes
a lock, the holder's own one included, first adds `rebalancer:break:RUN`, named by the run that holds it: of several
only one gets on, and looks again before it removes anything. All times are by the coordinator's clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from rebalancer.errors import PoolLocked
from rebalancer.execute.claim.holder import Holder
from rebalancer.execute.live import Marks
from rebalancer.inventory import Uuid

LOCK = "rebalancer:lock"
LEASE = "rebalancer:lease:"
BREAK = "rebalancer:break:"
STALE_AFTER = timedelta(minutes=10)
"""How long a holder that does not show itself keeps the lock."""
ALIVE_FOR = timedelta(minutes=2)
"""How long nobody takes it away, because a holder that lives shows itself within a minute."""
MOTIONS = frozenset({"VM.pool_migrate", "VM.migrate_send"})
"""The calls that a run makes."""
ATTEMPTS = 5
"""How often a lock is tried that others free and take meanwhile."""

Answer = TypeVar("Answer")


class Asking(Protocol):
    """Asks again while the pool cannot be reached, within the patience of the run."""

    def __call__(self, question: Callable[[], Answer], /) -> Answer:
        """The answer to *question*."""


@dataclass(slots=True, kw_only=True)
class PoolClaim:
    """The lock of *pool* for the run with id *run* of the plan with digest *plan*."""

    pool: Uuid
    marks: Marks
    ask: Asking
    run: str
    plan: str
    state_dir: Path | None
    value: str = field(default="", init=False)
    _lease: int = field(default=0, init=False)

    def take(self, *, break_lock: bool) -> str:
        """Take the lock, and say whose was broken; "" where none was.

        A lock that is the run's own, because it was killed, is its own again.

        Raises:
            PoolLocked: another run holds it; one that was not seen for ten minutes, and left no migration under way,
                is broken, and with *break_lock* one that was not seen for two.
            RefusedByXapi: the user may not write `gui_config`.
        """
        broken = ""
        for _ in range(ATTEMPTS):
            me = Holder.here(self.run, self.plan, self.state_dir, self._now().isoformat())
            if self._add(LOCK, me.text):
                self.value = me.text
                self._drop(BREAK, lambda _key, value: _run_of(value) == self.run)
                return broken
            there = self._read()
            if LOCK not in there:
                continue
            holder = Holder.told(there[LOCK])
            if holder.is_taken_up_by(me):
                self._take_up(there)
                return broken
            if not (self._is_stale(holder, there) or (break_lock and self._age(holder, there) >= ALIVE_FOR)):
                raise self._refusal(holder, there)
            self._break(holder, there[LOCK])
            broken = str(holder)
        raise self._refusal(holder, there)

    def is_ours(self) -> bool:
        """Whether the pool says so now."""
        return self._read().get(LOCK) == self.value

    def renew(self) -> bool:
        """Show that the run lives; whether the lock is still its own."""
        there = self._read()
        if there.get(LOCK) != self.value:
            return False
        self._lease += 1
        self._add(f"{LEASE}{self.run}:{self._lease}", self._now().isoformat())
        self._drop_leases(self.run, there)
        return True

    def release(self) -> None:
        """Remove whatever the run has left in the pool; a lock that somebody is breaking just now is left to them."""
        guard = self._guard(self.run)
        if guard and self._read().get(LOCK) == self.value:
            self._remove(LOCK)
        self._drop_leases(self.run, self._read())
        if guard:
            self._remove(guard)

    def _take_up(self, there: Mapping[str, str]) -> None:
        self.value = there[LOCK]
        numbers = [key.rpartition(":")[2] for key in _leases(self.run, there)]
        self._lease = max((int(number) for number in numbers if number.isdecimal()), default=0)
        self._drop(BREAK, lambda _key, value: _run_of(value) == self.run)

    def _break(self, holder: Holder, text: str) -> None:
        """Remove the lock with the value *text*, unless another run is about to, or it is no longer that one."""
        guard = self._guard(holder.run)
        if guard is None:
            raise self._refusal(holder, self._read())
        there = self._read()
        if there.get(LOCK) == text:
            self._remove(LOCK)
            self._drop_leases(holder.run, there)
        self._remove(guard)

    def _guard(self, run: str) -> str | None:
        """The key that is ours while we remove the lock of *run*; None where somebody else has it.

        One that is ten minutes old is of a run that was killed over it. Were it not, two might remove one lock: then
        whoever loses it finds out before its next call, as before every call.
        """
        key = f"{BREAK}{run}"
        value = json.dumps({"run": self.run, "at": self._now().isoformat()})
        if self._add(key, value):
            return key
        there = self._read().get(key, "")
        if _run_of(there) == self.run:
            return key
        if self._now() - _moment(_field(there, "at")) < STALE_AFTER:
            return None
        self._remove(key)
        return key if self._add(key, value) else None

    def _is_stale(self, holder: Holder, there: Mapping[str, str]) -> bool:
        """Whether *holder* was not seen for long and no migration is under way that could be its own."""
        if self._age(holder, there) < STALE_AFTER:
            return False
        return not any(task.pending and task.call in MOTIONS for task in self.ask(self.marks.tasks))

    def _age(self, holder: Holder, there: Mapping[str, str]) -> timedelta:
        return self._now() - _seen(holder, there)

    def _refusal(self, holder: Holder, there: Mapping[str, str]) -> PoolLocked:
        seen = _seen(holder, there)
        when = f", last seen {seen.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if seen > _LONG_AGO else ""
        since = f", since {holder.since}" if holder.since else ""
        return PoolLocked(f"{LOCK} in gui_config of pool {self.pool}", f"{holder}{since}{when}")

    def _now(self) -> datetime:
        return self.ask(lambda: self.marks.clock(self.pool))

    def _read(self) -> Mapping[str, str]:
        return self.ask(lambda: self.marks.of_pool(self.pool))

    def _add(self, key: str, value: str) -> bool:
        """Whether *key* is there with our *value*, added now or by a call whose answer was lost."""
        added = self.ask(lambda: self.marks.add_to_pool(self.pool, key, value))
        return added or self._read().get(key) == value

    def _remove(self, key: str) -> None:
        self.ask(lambda: self.marks.remove_from_pool(self.pool, key))

    def _drop(self, start: str, meant: Callable[[str, str], bool]) -> None:
        for key, value in self._read().items():
            if key.startswith(start) and meant(key, value):
                self._remove(key)

    def _drop_leases(self, run: str, there: Mapping[str, str]) -> None:
        """Remove the leases of *run* that are *there*."""
        for key in _leases(run, there):
            self._remove(key)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _leases(run: str, there: Mapping[str, str]) -> list[str]:
    return [key for key in there if key.startswith(f"{LEASE}{run}:")]


def _seen(holder: Holder, there: Mapping[str, str]) -> datetime:
    """When *holder* was last seen; long ago, where nothing says it."""
    return max(_moment(holder.since), *(_moment(there[key]) for key in _leases(holder.run, there)), _LONG_AGO)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _LONG_AGO
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _run_of(text: str) -> str:
    return _field(text, "run")


def _field(text: str, name: str) -> str:
    try:
        return str(json.loads(text)[name])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
