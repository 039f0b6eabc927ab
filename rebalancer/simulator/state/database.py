"""The records of a pool while it is played: read, changed, and watched for changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from threading import RLock
from typing import Any
from uuid import uuid4

from rebalancer.simulator.state.failure import ApiFailure, Unforeseen
from rebalancer.simulator.state.pool import Records
from rebalancer.simulator.state.timing import Timing

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The newest state of an object that changed: add, mod or del, at which count of all changes, and its record."""

    generation: int
    operation: str
    cls: str
    ref: str
    record: Record | None


def new_ref() -> str:
    """A ref that nobody has."""
    return f"OpaqueRef:{uuid4()}"


class Database:
    """A copy of XenAPI records, {class: {ref: record}}, with a change count.

    Records are replaced field by field and never changed inside, so a shallow copy is a consistent picture. The keys of
    `_touched` stand in the order of their last change.
    Readers and writers that need more than one call hold `lock`; `changed` is notified after every change.
    """

    def __init__(self, records: Records, timing: Timing | None = None) -> None:
        self.lock = RLock()
        self.changed = (timing or Timing()).condition(self.lock)
        self.generation = 1
        self._records = {cls: {ref: dict(record) for ref, record in rows.items()} for cls, rows in records.items()}
        self._born = {(cls, ref): 1 for cls, rows in self._records.items() for ref in rows}
        self._touched = dict(self._born)
        self._dead: list[tuple[int, int, str, str]] = []

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that have objects, or had some."""
        return tuple(self._records)

    def find(self, cls: str, ref: str) -> Record | None:
        """The record, or None where there is none."""
        return self._records.get(cls, {}).get(ref)

    def get(self, cls: str, ref: str) -> Record:
        """The record behind a ref; HANDLE_INVALID [class, ref] where there is none."""
        if (record := self.find(cls, ref)) is None:
            raise Unforeseen("HANDLE_INVALID", cls, ref)
        return record

    def all(self, cls: str) -> dict[str, Record]:
        """{ref: copy of the record} of a class."""
        with self.lock:
            return {ref: dict(record) for ref, record in self._records.get(cls, {}).items()}

    def items(self, cls: str) -> Iterator[tuple[str, Record]]:
        """Iterate over (ref, record) of a class as it is now."""
        return iter(list(self._records.get(cls, {}).items()))

    def by_uuid(self, cls: str, uuid: str) -> str:
        """The ref of the object with this uuid; UUID_INVALID [class, uuid] where there is none."""
        for ref, record in self.items(cls):
            if record["uuid"] == uuid:
                return ref
        raise ApiFailure("UUID_INVALID", cls, uuid)

    def count(self, cls: str) -> int:
        """How many objects a class has."""
        return len(self._records.get(cls, ()))

    def counts(self, names: Mapping[str, str]) -> dict[str, int]:
        """How many objects each class of *names*, {called: class}, has, by what it is called."""
        return {called: len(self._records.get(cls, ())) for called, cls in names.items()}

    def add(self, cls: str, record: Record, ref: str | None = None) -> str:
        """Add a record under a ref, a new one unless it is given, and return the ref."""
        ref = ref or new_ref()
        with self.lock:
            self._records.setdefault(cls, {})[ref] = record
            self._born[cls, ref] = self._touch(cls, ref)
        return ref

    def change(self, cls: str, ref: str, **fields: Any) -> None:  # noqa: ANN401 - fields of every wire type
        """Replace fields of a record; HANDLE_INVALID [class, ref] where there is none."""
        with self.lock:
            self.get(cls, ref).update(fields)
            self._touch(cls, ref)

    def remove(self, cls: str, ref: str) -> None:
        """Remove a record; HANDLE_INVALID [class, ref] where there is none."""
        with self.lock:
            self.get(cls, ref)
            del self._records[cls][ref]
            generation = self._touch(cls, ref)
            del self._touched[cls, ref]
            self._dead.append((generation, self._born.pop((cls, ref)), cls, ref))

    def changes(self, since: int) -> list[Change]:
        """What changed after `since`, one entry an object, deletions of objects never seen left out."""
        with self.lock:
            newest = takewhile(lambda touched: touched[1] > since, reversed(self._touched.items()))
            alive = [
                Change(
                    generation=touched,
                    operation="add" if self._born[key] > since else "mod",
                    cls=key[0],
                    ref=key[1],
                    record=dict(self._records[key[0]][key[1]]),
                )
                for key, touched in newest
            ]
            dead = [
                Change(generation=died, operation="del", cls=cls, ref=ref, record=None)
                for died, born, cls, ref in self._dead
                if born <= since < died
            ]
        return alive[::-1] + dead

    def _touch(self, cls: str, ref: str) -> int:
        self.generation += 1
        self._touched.pop((cls, ref), None)
        self._touched[cls, ref] = self.generation
        self.changed.notify_all()
        return self.generation
