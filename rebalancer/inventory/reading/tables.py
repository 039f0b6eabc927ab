"""All records of a pool, and where their references lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from rebalancer.inventory.names import told_apart
from rebalancer.inventory.reading.fields import Fields, Record, Records
from rebalancer.inventory.reading.known import known_fields
from rebalancer.inventory.references import DANGLING, Uuid

NAMED = frozenset({"VM", "host", "SR", "network"})
OPAQUE = "OpaqueRef:"
NULL_REFS = frozenset({"OpaqueRef:NULL", "OpaqueRef:null", "Ref:NULL", "NULL", ""})

UNDER_WAY = frozenset({"pending", "cancelling"})
"""The states of tasks that are not over."""

Kind = TypeVar("Kind", bound=StrEnum)


class Tables:
    """One pass over the records; what leads nowhere is written down on the way, one sentence each."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: dict[str, frozenset[str]] = {}
        self._unsaid: list[str] = []
        self._owned: dict[tuple[str, str], dict[str, list[Fields]]] = {}
        self._names: dict[str, dict[Uuid, str]] = {}
        self.dangling: set[str] = set()

    def table(self, kind: str) -> Mapping[str, Record]:
        """All records of a class, by ref; empty for a class that this version of XAPI does not have."""
        return self._records.get(kind, {})

    def each(self, kind: str) -> Iterator[tuple[str, Fields]]:
        """Refs and records of a class, in the order of their uuids."""
        ordered = sorted(self.table(kind).items(), key=lambda item: str(item[1]["uuid"]))
        return ((ref, self._fields(kind, record)) for ref, record in ordered)

    def behind(self, kind: str, ref: object) -> Fields | None:
        """The record behind *ref*, or None where it is null or leads nowhere."""
        record = self.table(kind).get(str(ref))
        return None if record is None else self._fields(kind, record)

    def unsaid(self) -> tuple[str, ...]:
        """What was asked of records since the last call and they do not say, sorted."""
        found = tuple(sorted(set(self._unsaid)))
        self._unsaid.clear()
        return found

    def _fields(self, kind: str, record: Record) -> Fields:
        if kind not in self._known:
            self._known[kind] = known_fields(kind, self._records)
        return Fields(kind, record, self._known[kind], self._unsaid)

    def owned(self, kind: str, owner_field: str, owner: str) -> list[Fields]:
        """Records of a class whose *owner_field* is *owner*, in the order of their uuids."""
        index = self._owned.setdefault((kind, owner_field), {})
        if not index:
            for _, fields in self.each(kind):
                index.setdefault(str(fields.raw(owner_field)), []).append(fields)
        return index.get(owner, [])

    def forget(self, kind: str) -> None:
        """Whose records of a class are is looked up anew: some have changed."""
        self._owned = {key: index for key, index in self._owned.items() if key[0] != kind}

    def uuid(self, kind: str, ref: object, holder: object) -> Uuid | None:
        """The uuid behind *ref*: None for a null ref, `DANGLING` for one that leads nowhere."""
        if ref is None or str(ref) in NULL_REFS:
            return None
        record = self.table(kind).get(str(ref))
        if record is None:
            self.dangling.add(f"{self._called(holder)} names a {kind} that is not in the database")
            return DANGLING
        return str(record["uuid"])

    def some_uuid(self, kind: str, ref: object, holder: object) -> Uuid:
        """The uuid behind *ref*; a null ref, where XAPI never has one, counts as dangling."""
        return self.uuid(kind, ref, holder) or DANGLING

    def uuids(self, kind: str, fields: Fields, field: str) -> tuple[Uuid, ...]:
        """The uuids behind a set of references, sorted; those that lead nowhere stay in it as `DANGLING`.

        They have to: XAPI refuses a VM for *having* attached PCI devices, whatever they are.
        """
        found = (self.uuid(kind, ref, fields) for ref in fields.members(field))
        return tuple(sorted(uuid for uuid in found if uuid is not None))

    def living(self, kind: str, fields: Fields, field: str) -> tuple[Uuid, ...]:
        """The uuids behind a set of references, sorted, without those that lead nowhere."""
        return tuple(uuid for uuid in self.uuids(kind, fields, field) if uuid != DANGLING)

    def gpu_types(self, fields: Fields) -> tuple[str, ...]:
        """The hardware in the GPU group of a card or of a virtual GPU, sorted; empty for a group that is not there."""
        group = self.behind("GPU_group", fields.raw("GPU_group"))
        return group.names("GPU_types") if group else ()

    def ghosts(self, fields: Fields) -> tuple[str, ...]:
        """Operations that are marked on an object while no task of theirs is left; none where nobody read the tasks.

        They stay when a toolstack died at the wrong moment, and XAPI takes them for operations under way. What xapi
        does for itself it marks by a task that is in no database.
        """
        if "task" not in self._records:
            return ()
        tasks = {ref for ref, record in self.table("task").items() if record.get("status", "pending") in UNDER_WAY}
        marked = fields.marked_operations().items()
        return tuple(sorted(each for task, each in marked if task.startswith(OPAQUE) and task not in tasks))

    def gpu_group_of(self, hardware: tuple[str, ...]) -> str | None:
        """The group that XAPI takes for *hardware*: its database gives the greatest reference first."""
        groups = ((ref, Fields("GPU_group", record)) for ref, record in self.table("GPU_group").items())
        return max((ref for ref, group in groups if group.names("GPU_types") == hardware), default=None)

    def known(self, fields: Fields, field: str, otherwise: Kind) -> Kind:
        """An enum value; one that this program does not know becomes *otherwise*, the strictest, and is noted."""
        value = fields.text(field, otherwise)
        try:
            return type(otherwise)(value)
        except ValueError:
            self.dangling.add(f"{self._called(fields)} has the unknown {field} {value!r}, read as {otherwise}")
            return otherwise

    def _called(self, holder: object) -> str:
        """What people call *holder*; a VM, host, SR or network is told apart from others of its name."""
        if not isinstance(holder, Fields) or holder.kind not in NAMED:
            return str(holder)
        if holder.kind not in self._names:
            self._names[holder.kind] = told_apart(
                {each.uuid: each.text("name_label") for _, each in self.each(holder.kind)}
            )
        return f"{holder.kind} {self._names[holder.kind][holder.uuid]}"
