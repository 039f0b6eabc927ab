"""A pool kept up to date as single records change, without making all of it anew.

Whatever is made here equals what `pool_from_records` makes of the same records. Where one change may touch more than
its own object, as when objects come or go, all is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Final

from rebalancer.inventory.pool import Pool
from rebalancer.inventory.reading.fields import Fields, Record
from rebalancer.inventory.reading.host import host
from rebalancer.inventory.reading.known import BELONGS_TO
from rebalancer.inventory.reading.pool import network, vm_group
from rebalancer.inventory.reading.storage import disk, storage_repository
from rebalancer.inventory.reading.tables import UNDER_WAY, Tables
from rebalancer.inventory.reading.vm import vm
from rebalancer.inventory.records import pool_of, refuse_headless, settings_of

MAKERS: Final[Mapping[str, tuple[str, Callable[[Tables, str, Fields], Any]]]] = {
    "host": ("hosts", host),
    "VM": ("vms", vm),
    "VDI": ("vdis", lambda tables, _, fields: disk(tables, fields)),
    "SR": ("srs", lambda tables, _, fields: storage_repository(tables, fields)),
    "network": ("networks", lambda tables, _, fields: network(tables, fields)),
    "VM_group": ("vm_groups", lambda tables, _, fields: vm_group(tables, fields)),
}
"""By class, the table of a pool that has its objects, and what makes one of them of its record."""

HELD_BY: Final = {
    "VM_metrics": ("VM", "metrics"),
    "VM_guest_metrics": ("VM", "guest_metrics"),
    "host_metrics": ("host", "metrics"),
    "PIF_metrics": ("PIF", "metrics"),
}
"""By class, whose record names one of its objects, and in which field."""

Key = tuple[str, str]
"""Class and reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The newest record of an object; None where it is gone."""

    kind: str
    ref: str
    record: Record | None


class KeptPool:
    """The pool that *records* describe, which this keeps up to date.

    Raises:
        InventoryError: see `pool_from_records`.
    """

    def __init__(self, records: dict[str, dict[str, Record]]) -> None:
        self.records = records
        self.pool: Pool | None = self._made()

    def changed(self, changes: Iterable[Renewal]) -> Pool:
        """The pool once *changes* have happened.

        Raises:
            InventoryError: see `pool_from_records`; the next call makes all anew.
        """
        pool, self.pool = self.pool, None
        touched = set[Key]()
        for change in changes:
            if not self._is_known(change):
                pool = pool if self._note(change) else None
                touched.add((change.kind, change.ref))
        self.pool = (pool and self._renewed(pool, touched)) or self._made()
        return self.pool

    def count(self, kind: str) -> int:
        """How many objects of a class there are."""
        return len(self._table(kind))

    def _made(self) -> Pool:
        self._tables = Tables(self.records)
        return pool_of(self._tables, self.records)

    def _table(self, kind: str) -> dict[str, Record]:
        return self.records.setdefault(kind, {})

    def _is_known(self, change: Renewal) -> bool:
        """Whether the record is as it was; of a task nothing is read but whether it is under way."""
        before, after = self._table(change.kind).get(change.ref), change.record
        if change.kind == "task" and before is not None and after is not None:
            return _is_under_way(before) == _is_under_way(after)
        return before == after

    def _note(self, change: Renewal) -> bool:
        """Keep the record of *change*; whether others see the object as they saw it before."""
        table = self._table(change.kind)
        before = table.pop(change.ref, None) if change.record is None else table.get(change.ref)
        if change.record is not None:
            table[change.ref] = change.record
        return change.kind == "task" or _is_the_same(change.kind, before, change.record)

    def _renewed(self, pool: Pool, touched: set[Key]) -> Pool | None:
        """*pool* with the objects made anew that lean on the *touched* records; None where that does not do."""
        kinds = {kind for kind, _ in touched}
        if (pool.dangling and kinds & BELONGS_TO.keys()) or ("PIF" in kinds and self._table("network_sriov")):
            return None
        for kind in kinds:
            self._tables.forget(kind)
        renewed: Pool | None = pool
        tasks = {ref for kind, ref in touched if kind == "task"}
        leaning = {each for key in touched if key[0] != "task" for each in self._leaning_on(key)}
        for kind, ref in sorted(leaning.union(self._marked_by(tasks) if tasks else ())):
            renewed = renewed and self._with(renewed, kind, ref)
        return renewed

    def _leaning_on(self, key: Key) -> Iterator[Key]:
        """The objects of the pool that are made of the record of *key*."""
        kind, ref = key
        if kind in BELONGS_TO:
            yield BELONGS_TO[kind], str(self.records[kind][ref][BELONGS_TO[kind]])
        elif kind in HELD_BY:
            holder, field = HELD_BY[kind]
            named = [each for each, record in self.records[holder].items() if record.get(field) == ref]
            for each in named:
                yield from self._leaning_on((holder, each))
        else:
            yield key

    def _marked_by(self, tasks: AbstractSet[str]) -> Iterator[Key]:
        """What has operations of *tasks* marked on it: whether anybody carries them out is another answer now."""
        for kind in ("VM", "host"):
            for ref, record in self._table(kind).items():
                marks = record.get("current_operations")
                if isinstance(marks, dict) and not tasks.isdisjoint(marks):
                    yield kind, ref

    def _with(self, pool: Pool, kind: str, ref: str) -> Pool | None:
        """*pool* with one object made anew; None where more would have to be."""
        tables = self._tables
        tables.dangling.clear()
        if kind == "pool":
            renewed = replace(pool, **settings_of(tables))
            refuse_headless(renewed)
            return None if tables.dangling or tables.unsaid() else renewed
        fields = tables.behind(kind, ref)
        if kind not in MAKERS or fields is None:
            return None
        name, make = MAKERS[kind]
        made, table = make(tables, ref, fields), getattr(pool, name)
        if made.unsaid != table[made.uuid].unsaid or tables.dangling != set(_about(fields, pool.dangling)):
            return None
        renewed_table: dict[str, Any] = {name: {**table, made.uuid: made}}
        return replace(pool, **renewed_table)


def _is_under_way(task: Record) -> bool:
    return task.get("status", "pending") in UNDER_WAY


def _is_the_same(kind: str, before: Record | None, after: Record | None) -> bool:
    """Whether a record neither came nor went, and has the fields, uuid, name and owner that it had."""
    if before is None or after is None or before.keys() != after.keys():
        return False
    seen = ("uuid", "name_label", BELONGS_TO.get(kind, "uuid"))
    return all(before.get(field) == after.get(field) for field in seen)


def _about(fields: Fields, sentences: Iterable[str]) -> Iterator[str]:
    """Those of *sentences* that may be about the object of *fields*."""
    names = [name for name in (str(fields.record.get("name_label", "")), fields.uuid) if name]
    return (each for each in sentences if any(name in each for name in names))
