"""Snapshot files: JSON, `rebalancer-snapshot/1`, compressed if the name ends in `.gz`.

A snapshot comes back exactly as it was written, and the same snapshot gives the same bytes.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from rebalancer.errors import InventoryError, SnapshotError
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import SNAPSHOT
from rebalancer.files.reading import content_of
from rebalancer.files.shapes import DocumentShape, first_mistake
from rebalancer.files.writing import write_whole
from rebalancer.inventory import Names, Pool
from rebalancer.inventory.records import refuse_headless
from rebalancer.snapshot.profile_lists import MOST_BYTES, Contradiction, ProfileLists, to_arrays, to_lists
from rebalancer.snapshot.snapshot import Snapshot

FORMAT: Final = "rebalancer-snapshot/1"
REMEDY: Final = "Take a new one with `rebalancer snapshot`"

OTHERS: Final = {
    "rebalancer-simulated-pool/": "Serve it with `rebalancer simulate {where}`, and name the URL that it prints",
    "rebalancer-plan/": "Name the pool or the snapshot that it was made from; `rebalancer show` reads plans",
}
"""What to do with files of ours that are no snapshots, by how their format begins."""
SHOWN: Final = 40
"""Characters of another format that are told."""


def write_snapshot(snapshot: Snapshot, path: Path | str) -> None:
    """Write *snapshot* to *path*, whole or not at all, for its owner alone: it tells all about a pool.

    Raises:
        SnapshotError: the file cannot be written.
    """
    path = Path(path)
    document = _Document(
        format=FORMAT,
        taken_at=snapshot.taken_at.astimezone(UTC),
        source=snapshot.source,
        demand=None if snapshot.demand is None else to_lists(snapshot.demand),
        pool=snapshot.pool,
    )
    content = _document_adapter().dump_json(document, indent=1)
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=6, mtime=0)
    try:
        write_whole(path, content)
    except OSError as error:
        problem = f"it cannot be written: {error.strerror}"
        raise SnapshotError(str(path), problem, "Make room, or name another file") from error


def read_snapshot(path: Path | str) -> Snapshot:
    """The snapshot at *path*.

    Raises:
        SnapshotError: the file is missing, truncated, something else, of a newer version, or contradicts itself.
    """
    return snapshot_in(content_of(Path(path), SNAPSHOT), str(path))


def snapshot_in(content: bytes, where: str) -> Snapshot:
    """The snapshot that *content* is, unpacked; *where* names it in errors, which are those of `read_snapshot`."""
    try:
        document = json_in(content, SNAPSHOT)
        _refuse_foreign(where, document)
        return _from_document(_shape().read(document))
    except Unfit as error:
        raise SnapshotError(where, str(error), REMEDY) from None
    except ValidationError as error:
        raise SnapshotError(where, first_mistake(error), REMEDY) from error
    except (InventoryError, Contradiction) as error:
        raise SnapshotError(where, f"its contents contradict each other: {error}".rstrip("."), REMEDY) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """The whole file."""

    format: str
    taken_at: AwareDatetime
    source: str
    demand: ProfileLists | None
    pool: Pool


@cache
def _document_adapter() -> TypeAdapter[_Document]:
    return TypeAdapter(_Document)


@cache
def _shape() -> DocumentShape[_Document]:
    return DocumentShape(_Document)


def _refuse_foreign(where: str, document: object) -> None:
    """Refuse what is no snapshot, or written by a later rebalancer."""
    found = document.get("format") if isinstance(document, dict) else None
    if found == FORMAT:
        return
    if not isinstance(found, str):
        raise SnapshotError(where, "it is JSON, but not a snapshot: it states no format", REMEDY)
    if found.startswith("rebalancer-snapshot/"):
        problem = f"its format is {found[:SHOWN]}, this program reads {FORMAT}"
        raise SnapshotError(where, problem, "Use the newer rebalancer")
    remedy = next((way for begin, way in OTHERS.items() if found.startswith(begin)), REMEDY)
    raise SnapshotError(where, f"it is not a snapshot: its format is {found[:SHOWN]!r}", remedy.format(where=where))


def _from_document(document: _Document) -> Snapshot:
    refuse_headless(document.pool)
    for contradiction in (*_misfiled(document.pool), *_beyond_measure(document.pool)):
        raise Contradiction(contradiction)
    return Snapshot(
        pool=document.pool,
        demand=None if document.demand is None else to_arrays(document.demand),
        taken_at=document.taken_at.astimezone(UTC),
        source=document.source,
    )


def _misfiled(pool: Pool) -> Iterator[str]:
    for table in ("hosts", "vms", "vdis", "srs", "networks", "vm_groups", "vgpu_types"):
        for uuid, each in getattr(pool, table).items():
            if each.uuid != uuid:
                yield f"{table} has {each.uuid} under {uuid}"


def _beyond_measure(pool: Pool) -> Iterator[str]:
    names = Names(pool)
    for vm in pool.vms.values():
        sizes = (*astuple(vm.memory), vm.memory_overhead_bytes, vm.metrics.memory_actual_bytes if vm.metrics else 0)
        if max(sizes) > MOST_BYTES:
            yield f"VM {names.vms[vm.uuid]} has {max(sizes)} bytes of memory, which no machine has"
    for host in pool.hosts.values():
        if (host.memory_total_bytes or 0) > MOST_BYTES:
            yield f"host {names.hosts[host.uuid]} has {host.memory_total_bytes} bytes of memory, which no machine has"
