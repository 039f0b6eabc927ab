"""XenAPI records while they are written, and references made of uuids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from rebalancer.inventory import Uuid
from rebalancer.inventory.references import DANGLING
from rebalancer.simulator.state.pool import Records
from rebalancer.simulator.state.schema import blank

NULL: Final = "OpaqueRef:NULL"


def ref(uuid: Uuid | None) -> str:
    """The reference by which the object of a uuid goes; the null reference for none."""
    return NULL if uuid is None else f"OpaqueRef:{uuid}"


def refs(uuids: Iterable[Uuid]) -> list[str]:
    """The references of several."""
    return [ref(uuid) for uuid in uuids]


def operations(owner: Uuid, under_way: Sequence[str], ghosts: Sequence[str]) -> dict[str, str]:
    """Operations under way on an object, by tasks that nobody sees; those without a task go by one that is gone."""
    left, found = list(ghosts), {}
    for number, operation in enumerate(under_way):
        kind = "OpaqueRef" if operation in left else "DummyRef"
        if operation in left:
            left.remove(operation)
        found[f"{kind}:{owner}-{number}"] = operation
    return found


class RecordTables:
    """Records of all classes, `{class: {ref: record}}`."""

    def __init__(self) -> None:
        self.records: Records = {}

    def add(self, cls: str, uuid: Uuid, **fields: Any) -> str:  # noqa: ANN401 - fields of every wire type
        """Add the record of an object, and return its reference; fields that nobody gives are empty."""
        self.records.setdefault(cls, {})[ref(uuid)] = {**blank(cls), "uuid": uuid, **fields}
        return ref(uuid)

    def name(self, cls: str, uuids: Iterable[Uuid | None]) -> None:
        """Add objects of which nothing but the uuid is known, where they are not there yet."""
        for uuid in uuids:
            if uuid not in {None, DANGLING} and ref(uuid) not in self.records.setdefault(cls, {}):
                self.add(cls, str(uuid))

    def group_of_gpus(self, uuid: Uuid | None, hardware: Sequence[str]) -> None:
        """Add the group of graphics cards of some *hardware*."""
        if uuid is not None and uuid != DANGLING:
            self.add("GPU_group", uuid, GPU_types=list(hardware))
