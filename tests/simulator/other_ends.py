"""Relations between records of which both ends are in the database: one names the other, which lists it."""

from __future__ import annotations

from typing import Any

Records = dict[str, dict[str, dict[str, Any]]]
NULL = "OpaqueRef:NULL"
OTHER_ENDS = (
    ("PIF", "network", "network", "PIFs"),
    ("VIF", "network", "network", "VIFs"),
    ("VIF", "VM", "VM", "VIFs"),
    ("VBD", "VM", "VM", "VBDs"),
    ("VBD", "VDI", "VDI", "VBDs"),
    ("VDI", "SR", "SR", "VDIs"),
    ("PBD", "SR", "SR", "PBDs"),
    ("PBD", "host", "host", "PBDs"),
    ("PIF", "host", "host", "PIFs"),
    ("VGPU", "VM", "VM", "VGPUs"),
    ("VUSB", "VM", "VM", "VUSBs"),
    ("VM", "resident_on", "host", "resident_VMs"),
    ("VM", "snapshot_of", "VM", "snapshots"),
    ("PGPU", "host", "host", "PGPUs"),
    ("PGPU", "GPU_group", "GPU_group", "PGPUs"),
    ("PCI", "host", "host", "PCIs"),
    ("VGPU", "resident_on", "PGPU", "resident_VGPUs"),
    ("VGPU", "GPU_group", "GPU_group", "VGPUs"),
)
"""Class, field that names another object, the class of that, and its list that names the object in turn."""


def name_other_ends(records: Records) -> None:
    """Write the lists that follow from who names whom, as a database does."""
    for kind, field, other, listed in OTHER_ENDS:
        ends = {ref: record for ref, record in records.get(other, {}).items() if listed in record}
        for end in ends.values():
            end[listed] = []
        for ref, record in records.get(kind, {}).items():
            if record.get(field) in ends:
                ends[record[field]][listed].append(ref)
