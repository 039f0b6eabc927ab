"""The lock of one pool: a key in its `gui_config`, which a VM operator may write.

`rebalancer:lock` says who holds it, and is never rewritten while held. `rebalancer:lease:RUN:NUMBER` says when its
holder was last seen: the next number is added before the last is removed, so that there is always one. Whoever removes
a lock, the holder's own one included, first adds `rebalancer:break:RUN`, named by the run that holds it: of several
only one gets on, and looks again before it removes anything. All times are by the coordinator's clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from rebalancer.errors import PoolLocked
from rebalancer.execute.claim.holder import Holder
from rebalancer.execute.claim.keys import LONG_AGO, PoolKeys, at_once, field_of, moment_of

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


@dataclass(slots=True, kw_only=True)
class PoolClaim:
    """The lock of the pool of *keys* for the run of *me*, which holds the lock file of its state folder.

    `rest` is told whose lock is to be broken, and lasts as long as a request of a dead process may take to arrive.
    """

    keys: PoolKeys
    me: Holder
    rest: Callable[[Holder], None]
    value: str = field(default="", init=False)
    _lease: int = field(default=0, init=False)

    def take(self, *, break_lock: bool) -> str:
        """Take the lock, and say whose was broken; "" where none was.

        A lock that is the run's own, because it was killed, is its own again, and the run was last seen then. That of
        another run is broken where its process is dead for sure, once what it sent last has arrived or never will, or
        was not seen for ten minutes and left no migration under way; with *break_lock* where it was not seen for two.

        Raises:
            PoolLocked: another run holds it.
            RefusedByXapi: the user may not write `gui_config`.
        """
        broken = ""
        for _ in range(ATTEMPTS):
            me = replace(self.me, since=self.keys.now().isoformat())
            if self.keys.add(LOCK, me.text):
                self._own(me.text)
                return broken
            there = self.keys.read()
            if LOCK not in there:
                continue
            holder = Holder.told(there[LOCK])
            if holder.is_taken_up_by(me):
                self._own(there[LOCK])
                self._show(self.keys, there)
                return broken
            if not self._may_be_broken(holder, there, break_lock=break_lock):
                raise self._refusal(holder, there)
            if holder.is_dead_for(self.me) and self.keys.now() - _seen(holder, there) < ALIVE_FOR:
                self.rest(holder)
            self._break(holder, there)
            broken = str(holder)
        raise self._refusal(holder, there)

    def assert_free(self) -> None:
        """Pass where nobody holds the lock, or somebody from whom `take` would take it.

        Raises:
            PoolLocked: another run holds it.
        """
        there = self.keys.read()
        if LOCK in there and not self._may_be_broken(holder := Holder.told(there[LOCK]), there, break_lock=False):
            raise self._refusal(holder, there)

    def is_ours(self) -> bool:
        """Whether the pool says so now, at once."""
        return self._at_once.read().get(LOCK) == self.value

    def renew(self) -> bool:
        """Show that the run lives; whether the lock is still its own."""
        keys = self._at_once
        there = keys.read()
        if there.get(LOCK) != self.value:
            return False
        self._show(keys, there)
        return True

    def release(self) -> None:
        """Remove whatever the run has left in the pool; a lock that somebody is breaking just now is left to them."""
        guard = self._guard(self.me.run)
        there = self.keys.read()
        if guard and there.get(LOCK) == self.value:
            self.keys.remove(LOCK)
        for key in (*_leases(self.me.run, there), *([guard] if guard else [])):
            self.keys.remove(key)

    @property
    def _at_once(self) -> PoolKeys:
        return replace(self.keys, ask=at_once)

    def _show(self, keys: PoolKeys, there: Mapping[str, str]) -> None:
        """Say when the run was last seen: now."""
        self._lease += 1
        keys.add(f"{LEASE}{self.me.run}:{self._lease}", keys.now().isoformat())
        for lease in _leases(self.me.run, there):
            keys.remove(lease)

    def _own(self, value: str) -> None:
        """Hold the lock with *value*; what the run left behind when it was killed while it broke a lock goes."""
        self.value, there = value, self.keys.read()
        numbers = [key.rpartition(":")[2] for key in _leases(self.me.run, there)]
        self._lease = max((int(number) for number in numbers if number.isdecimal()), default=0)
        for key in [key for key in there if key.startswith(BREAK) and field_of(there[key], "run") == self.me.run]:
            self.keys.remove(key)

    def _break(self, holder: Holder, there: Mapping[str, str]) -> None:
        """Remove the lock that is *there*, unless another run is about to, or it is no longer that one."""
        guard = self._guard(holder.run)
        if guard is None:
            raise self._refusal(holder, there)
        now = self.keys.read()
        if now.get(LOCK) == there[LOCK]:
            for key in (LOCK, *_leases(holder.run, now)):
                self.keys.remove(key)
        self.keys.remove(guard)

    def _guard(self, run: str) -> str | None:
        """The key that is ours while we remove the lock of *run*; None where somebody else has it.

        One that is ten minutes old is of a run that was killed over it. Were it not, two might remove one lock: then
        whoever loses it finds out before its next call, as before every call.
        """
        key = f"{BREAK}{run}"
        value = json.dumps({"run": self.me.run, "at": self.keys.now().isoformat()})
        if self.keys.add(key, value):
            return key
        there = self.keys.read().get(key, "")
        if field_of(there, "run") == self.me.run:
            return key
        if self.keys.now() - moment_of(field_of(there, "at")) < STALE_AFTER:
            return None
        self.keys.remove(key)
        return key if self.keys.add(key, value) else None

    def _may_be_broken(self, holder: Holder, there: Mapping[str, str], *, break_lock: bool) -> bool:
        if holder.is_dead_for(self.me):
            return True
        age = self.keys.now() - _seen(holder, there)
        return (break_lock and age >= ALIVE_FOR) or (age >= STALE_AFTER and not self._is_moving())

    def _is_moving(self) -> bool:
        """Whether a migration is under way that could be that of a dead run."""
        return any(task.pending and task.call in MOTIONS for task in self.keys.ask(self.keys.marks.tasks))

    def _refusal(self, holder: Holder, there: Mapping[str, str]) -> PoolLocked:
        since = _told(", since", moment_of(holder.since))
        seen = _told(", last seen", _seen(holder, there))
        return PoolLocked(f"{LOCK} in gui_config of pool {self.keys.pool}", f"{holder}{since}{seen}")


def _leases(run: str, there: Mapping[str, str]) -> list[str]:
    return [key for key in there if key.startswith(f"{LEASE}{run}:")]


def _told(words: str, moment: datetime) -> str:
    return f"{words} {moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment > LONG_AGO else ""


def _seen(holder: Holder, there: Mapping[str, str]) -> datetime:
    """When *holder* was last seen; long ago, where nothing says it."""
    return max(moment_of(holder.since), *(moment_of(there[key]) for key in _leases(holder.run, there)), LONG_AGO)
