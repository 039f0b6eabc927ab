"""The database dump that `xe pool-dump-database` writes, as records.

The XML is a table per class and a row per object; a row's attributes are the fields. Sets and maps are
s-expressions, `('a' 'b')` and `(('key' 'value'))`; a `__` in a name is where the API has `_`; white space is protected
with `%` (xen-api, `ocaml/database/xml_spaces.ml`; ours are written from the format). XenServer below 6.0 does not
write the many side of a relation, so that side is found from the other one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from rebalancer.errors import SnapshotError
from rebalancer.files.kinds import SNAPSHOT
from rebalancer.files.reading import content_of
from rebalancer.inventory.reading.known import LATER
from rebalancer.inventory.records import CLASSES, Records
from rebalancer.inventory.sexpr import NotAnExpression, read_map, read_set

REMEDY: Final = "Write it again with `xe pool-dump-database file-name=...`"

MAPS: Final = frozenset(
    {
        "VCPUs_params",
        "blocked_operations",
        "chipset_info",
        "compatibility_metadata",
        "cpu_info",
        "current_operations",
        "device_config",
        "features",
        "last_boot_CPU_flags",
        "license_params",
        "networks",
        "os_version",
        "other",
        "other_config",
        "platform",
        "PV_drivers_version",
        "restrictions",
        "sm_config",
        "software_version",
        "supported_VGPU_max_capacities",
    }
)
"""Fields that hold maps, in every class that the inventory reads."""

SETS: Final = frozenset(
    {
        "GPU_types",
        "PGPUs",
        "PIFs",
        "PUSBs",
        "VMs",
        "VTPMs",
        "VUSBs",
        "attached_PCIs",
        "capabilities",
        "enabled_VGPU_types",
        "groups",
        "resident_VGPUs",
        "snapshots",
        "sriov_logical_PIF_of",
        "supported_image_formats",
        "tags",
        "tunnel_access_PIF_of",
        "virtual_hardware_platform_versions",
    }
)
"""Fields that hold sets, in every class that the inventory reads."""

MANY_SIDES: Final = (
    ("network", "PIFs", "PIF", "network"),
    ("host", "PGPUs", "PGPU", "host"),
    ("VM", "snapshots", "VM", "snapshot_of"),
    ("VM", "VTPMs", "VTPM", "VM"),
    ("VM", "VUSBs", "VUSB", "VM"),
    ("PIF", "tunnel_access_PIF_of", "tunnel", "access_PIF"),
    ("PIF", "sriov_logical_PIF_of", "network_sriov", "logical_PIF"),
    ("PGPU", "resident_VGPUs", "VGPU", "resident_on"),
    ("USB_group", "PUSBs", "PUSB", "USB_group"),
)
"""Relations: the set *field* of *class* holds the objects of another class whose reference names it."""

AT_ONCE: Final = 1 << 20
"""Bytes that the parser gets at once."""
LONGEST: Final = 8 << 20
"""Bytes of a row, at most; a VM's has about 10,000."""
DEEPEST: Final = 16
"""Elements that stand in each other, at most; of a dump three do."""
_PROTECTED: Final = {"%.": " ", "%_": "  ", "%t": "\t", "%n": "\n", "%r": "\r", "%%": "%"}


def records_from_dump(path: Path | str) -> Records:
    """The records of the dump at *path*, gzip'd or not.

    Raises:
        SnapshotError: the file is missing, truncated, no dump, or declares a document type.
    """
    return records_in(content_of(Path(path), SNAPSHOT), str(path))


def is_dump(content: bytes) -> bool:
    """Whether *content*, unpacked, is to be read as a dump, whatever its file is called: it is XML."""
    return content.lstrip().startswith(b"<")


def records_in(content: bytes, where: str) -> Records:
    """The records of a dump with that *content*, unpacked; *where* names it in errors, as `records_from_dump`."""
    records: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in CLASSES}
    for kind, fields in _rows(where, content):
        ref = fields.pop("ref")
        records[kind][ref] = _record(fields, f"{where}, {kind} {fields.get('uuid', ref)}")
    if not records["pool"]:
        raise SnapshotError(where, "it holds no pool, so it is not a XenServer database", REMEDY)
    _complete(records)
    return records


def _rows(where: str, content: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    rows = _Table(where)
    parser = expat.ParserCreate("utf-8")  # whatever it says of itself: `in_utf8` has been there
    parser.ordered_attributes = True
    parser.StartElementHandler = rows.start
    parser.EndElementHandler = rows.end
    parser.StartDoctypeDeclHandler = rows.refuse_doctype
    try:
        for begin in range(0, len(content), AT_ONCE):
            parser.Parse(content[begin : begin + AT_ONCE], False)  # noqa: FBT003 - expat's own signature
            if begin - parser.CurrentByteIndex > LONGEST:
                rows.refuse(f"a row has more than {LONGEST >> 20} MiB")
        parser.Parse(b"", True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError as error:
        raise SnapshotError(where, f"it is not XML, or only a part of it ({error})", REMEDY) from error
    return ((table, _by_name(attributes)) for table, attributes in rows.found)


def _by_name(attributes: Sequence[str]) -> dict[str, str]:
    """Names and values in turn, as expat tells them: that takes half the memory of a dictionary."""
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


class _Table:
    """Collects the rows while expat goes through the file."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.table = ""
        self.root = ""
        self.depth = self.values = 0
        self.found: list[tuple[str, list[str]]] = []

    def start(self, tag: str, attributes: list[str]) -> None:
        self.depth += 1
        self.values += 1 + len(attributes) // 2
        if self.depth > DEEPEST or self.values > SNAPSHOT.most_values:
            self.refuse(f"it has more than {DEEPEST} levels, or than {SNAPSHOT.most_values:,} rows and fields")
        if not self.root:
            self.open_root(tag)
        elif tag == "table":
            self.table = _by_name(attributes).get("name", "")
        elif tag == "row" and "ref" in attributes[::2] and self.table in CLASSES:
            self.found.append((self.table, attributes))

    def end(self, _tag: str) -> None:
        self.depth -= 1

    def refuse(self, problem: str) -> None:
        raise SnapshotError(self.where, f"{problem}, which no dump has", REMEDY)

    def open_root(self, tag: str) -> None:
        if tag != "database":
            raise SnapshotError(self.where, f"it is a <{tag}> document, not a database dump", REMEDY)
        self.root = tag

    def refuse_doctype(self, *_declared: object) -> None:
        """A dump declares no document type; one that does might define entities."""
        raise SnapshotError(self.where, "it declares a document type, which no dump does", REMEDY)


def _record(fields: Mapping[str, str], where: str) -> dict[str, Any]:
    named = ((field.replace("__", "_"), text) for field, text in fields.items() if not field.startswith("_"))
    return {field: _value(field, _unprotected(text), where) for field, text in named}


def _value(field: str, text: str, where: str) -> object:
    try:
        if field in MAPS:
            return read_map(text)
        return read_set(text) if field in SETS else text
    except NotAnExpression as error:
        raise SnapshotError(
            where, f"{field} is a broken {'map' if field in MAPS else 'set'}: {error}", REMEDY
        ) from None


def _unprotected(text: str) -> str:
    """*text* with its white space back."""
    return re.sub(r"%[._tnr%]", lambda found: _PROTECTED[found[0]], text) if "%" in text else text


def _complete(records: Mapping[str, dict[str, dict[str, Any]]]) -> None:
    """Add the many side of every relation where the dump does not write it.

    A field that came later is not made up where nothing has the other side: its XAPI does not know it.
    """
    later = {(kind, field) for _, kind, field in LATER}
    for kind, field, other, one_side in MANY_SIDES:
        if (kind, field) in later and not records[other]:
            continue
        many: dict[str, list[str]] = {}
        for ref, record in records[other].items():
            many.setdefault(str(record.get(one_side)), []).append(ref)
        for ref, record in records[kind].items():
            record.setdefault(field, many.get(ref, []))
