"""Snapshot files: a pool at one moment, with its load profile where there is one.

A snapshot is JSON, `rebalancer-snapshot/1`, compressed if its name ends in `.gz`. It comes back exactly as it was
written, and the same snapshot gives the same bytes.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from rebalancer.clocks import Clocks
from rebalancer.demand import LoadProfile, Quality
from rebalancer.errors import InventoryError, SnapshotError
from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.inventory.gzipped import content_of
from rebalancer.inventory.records import refuse_headless
from rebalancer.units import counted

FORMAT: Final = "rebalancer-snapshot/1"
REMEDY: Final = "Take a new one with `rebalancer snapshot`"

WEEK_HOURS: Final = 168.0
MOST_PCPUS: Final = 1e6
"""More than any pool has; what is above would no longer be counted exactly."""
MOST_BYTES: Final = 1 << 60
"""An EiB: memory of which no host has as much."""

Pcpus = Annotated[float, Field(ge=0, le=MOST_PCPUS, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A pool at one moment.

    Args:
        pool: the inventory.
        demand: the load profile, None where no metrics were read or they were refused.
        taken_at: when the pool was read, with its time zone.
        source: where it was read from, in words; never a secret.
    """

    pool: Pool
    demand: LoadProfile | None
    taken_at: datetime
    source: str


def write_snapshot(snapshot: Snapshot, path: Path | str) -> None:
    """Write *snapshot* to *path*, whole or not at all.

    Raises:
        SnapshotError: the file cannot be written.
    """
    path = Path(path)
    document = _Document(
        format=FORMAT,
        taken_at=snapshot.taken_at.astimezone(UTC),
        source=snapshot.source,
        demand=None if snapshot.demand is None else _to_lists(snapshot.demand),
        pool=snapshot.pool,
    )
    content = _document_adapter().dump_json(document, indent=1)
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=6, mtime=0)
    try:
        _replace(path, content)
    except OSError as error:
        problem = f"it cannot be written: {error.strerror}"
        raise SnapshotError(str(path), problem, "Make room, or name another file") from error


def read_snapshot(path: Path | str) -> Snapshot:
    """The snapshot at *path*.

    Raises:
        SnapshotError: the file is missing, truncated, something else, of a newer version, or contradicts itself.
    """
    return snapshot_in(content_of(Path(path), REMEDY), str(path))


def snapshot_in(content: bytes, where: str) -> Snapshot:
    """The snapshot that *content* is, unpacked; *where* names it in errors, which are those of `read_snapshot`."""
    _refuse_foreign(where, content)
    try:
        return _from_document(_document_adapter().validate_json(content, strict=True))
    except ValidationError as error:
        raise SnapshotError(where, _first_mistake(error), REMEDY) from error
    except (InventoryError, _Contradiction) as error:
        raise SnapshotError(where, f"its contents contradict each other: {error}".rstrip("."), REMEDY) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What every version of the format has."""

    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demand:
    """A load profile as the file has it: arrays are lists, one a VM or host."""

    vms: tuple[Uuid, ...]
    hosts: tuple[Uuid, ...]
    vm_pcpu: tuple[tuple[Pcpus, ...], ...]
    host_base_pcpu: tuple[tuple[Pcpus, ...], ...]
    slot_hours: Annotated[float, Field(gt=0, le=WEEK_HOURS, allow_inf_nan=False)]
    quality: Mapping[Uuid, Quality]
    percentile: Annotated[float, Field(ge=0, le=100)]
    window_start: AwareDatetime
    window_end: AwareDatetime
    timezone: str
    source: str
    vm_deviation_pcpu: tuple[tuple[Pcpus, ...], ...] | None = None
    clocks: Clocks | None = None
    refused: Mapping[Uuid, str] = field(default_factory=dict)
    memory_used: Mapping[Uuid, Annotated[int, Field(gt=0, le=MOST_BYTES)]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """The whole file."""

    format: str
    taken_at: AwareDatetime
    source: str
    demand: _Demand | None
    pool: Pool


class _Contradiction(ValueError):
    """Two parts of a file do not fit each other."""


@cache
def _document_adapter() -> TypeAdapter[_Document]:
    return TypeAdapter(_Document)


def _refuse_foreign(where: str, content: bytes) -> None:
    """Refuse what is truncated, no snapshot, or written by a later rebalancer."""
    try:
        found = TypeAdapter(_Header).validate_json(content, strict=True).format
    except ValidationError as error:
        truncated = error.errors()[0]["type"] == "json_invalid"
        problem = "it is not whole JSON" if truncated else "it is JSON, but not a snapshot: it states no format"
        raise SnapshotError(where, problem, REMEDY) from error
    if found == FORMAT:
        return
    if found.startswith("rebalancer-snapshot/"):
        problem = f"its format is {found}, this program reads {FORMAT}"
        raise SnapshotError(where, problem, "Use the newer rebalancer")
    raise SnapshotError(where, f"it is not a snapshot: its format is {found!r}", REMEDY)


def _first_mistake(error: ValidationError) -> str:
    mistakes = error.errors(include_url=False, include_context=False)
    where = ".".join(map(str, mistakes[0]["loc"]))
    more = f" (and {counted(len(mistakes) - 1, 'more mistake')})" if len(mistakes) > 1 else ""
    return f"{where}: {mistakes[0]['msg'].lower()}{more}"


def _from_document(document: _Document) -> Snapshot:
    refuse_headless(document.pool)
    for contradiction in (*_misfiled(document.pool), *_beyond_measure(document.pool)):
        raise _Contradiction(contradiction)
    return Snapshot(
        pool=document.pool,
        demand=None if document.demand is None else _to_arrays(document.demand),
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


def _to_lists(profile: LoadProfile) -> _Demand:
    values: dict[str, Any] = {each.name: getattr(profile, each.name) for each in fields(_Demand)}
    tables = ("vm_pcpu", "host_base_pcpu", "vm_deviation_pcpu")
    rows = {name: tuple(map(tuple, values[name].tolist())) for name in tables if values[name] is not None}
    return _Demand(**{**values, **rows})


def _to_arrays(demand: _Demand) -> LoadProfile:
    """The profile with its lists as arrays; a `_Contradiction` where they are not one a VM or host, of one length."""
    values: dict[str, Any] = {each.name: getattr(demand, each.name) for each in fields(demand)}
    peaks = demand.vm_deviation_pcpu
    slots = {len(row) for row in (*demand.vm_pcpu, *demand.host_base_pcpu, *(peaks or ()))}
    vms = {len(demand.vm_pcpu), len(demand.vms), len(demand.vms if peaks is None else peaks)}
    if len(slots) > 1 or len(vms) > 1 or len(demand.host_base_pcpu) != len(demand.hosts):
        raise _Contradiction("the load profile's lists differ in length")
    if set(demand.quality) != set(demand.vms):
        raise _Contradiction("the load profile rates other VMs than it has")
    shape = max(slots, default=0)
    return LoadProfile(
        **{
            **values,
            "vm_pcpu": np.array(demand.vm_pcpu, dtype=np.float64).reshape(-1, shape),
            "host_base_pcpu": np.array(demand.host_base_pcpu, dtype=np.float64).reshape(-1, shape),
            "vm_deviation_pcpu": None if peaks is None else np.array(peaks, dtype=np.float64).reshape(-1, shape),
            "window_start": demand.window_start.astimezone(UTC),
            "window_end": demand.window_end.astimezone(UTC),
        }
    )


def _replace(path: Path, content: bytes) -> None:
    """Put *content* in the place of *path*: readers see the old file or the new one, never a part."""
    waiting = path.parent / f".{path.name}.{os.getpid()}"
    try:
        with waiting.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)
