"""Records under construction: refs and uuids from one seed, back references at the end."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any
from uuid import UUID

from rebalancer.simulator.state.pool import Records
from rebalancer.simulator.state.schema import NULL, blank

MIB = 1 << 20
GIB = 1 << 30
MADE = "20261101T00:00:00Z"

# (class, field that points up, class above, its set that XAPI keeps in step).
BACK_REFERENCES = (
    ("VBD", "VM", "VM", "VBDs"),
    ("VBD", "VDI", "VDI", "VBDs"),
    ("VDI", "SR", "SR", "VDIs"),
    ("VIF", "VM", "VM", "VIFs"),
    ("VIF", "network", "network", "VIFs"),
    ("PIF", "host", "host", "PIFs"),
    ("PIF", "network", "network", "PIFs"),
    ("PBD", "host", "host", "PBDs"),
    ("PBD", "SR", "SR", "PBDs"),
    ("host_cpu", "host", "host", "host_CPUs"),
    ("PCI", "host", "host", "PCIs"),
    ("VM", "resident_on", "host", "resident_VMs"),
    ("VM", "snapshot_of", "VM", "snapshots"),
    ("VDI", "snapshot_of", "VDI", "snapshots"),
)


class Builder:
    """Collects the records of one pool: one seed and the same calls give the same refs, uuids and choices."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.records: Records = {}

    def uuid(self) -> str:
        """The next uuid of this seed."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def add(self, cls: str, **fields: Any) -> str:  # noqa: ANN401 - fields of every wire type
        """Add a record, empty but for `fields`; return its ref."""
        ref = f"OpaqueRef:{self.uuid()}"
        record = blank(cls)
        if unknown := fields.keys() - record.keys():
            raise ValueError(f"{cls} has no field {sorted(unknown)}")
        self.records.setdefault(cls, {})[ref] = {**record, "uuid": self.uuid(), **deepcopy(fields)}
        return ref

    def get(self, cls: str, ref: str) -> dict[str, Any]:
        """The record itself, to be changed in place."""
        return self.records[cls][ref]

    def link(self) -> Records:
        """Fill every set that XAPI derives from references, and return the records."""
        for cls, pointer, above, collection in BACK_REFERENCES:
            for ref, record in self.records.get(cls, {}).items():
                if record[pointer] != NULL:
                    self.records[above][record[pointer]][collection].append(ref)
        return self.records
