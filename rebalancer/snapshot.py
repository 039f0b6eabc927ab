"""Snapshot files: a pool at one moment, with its load profile where there is one.

A snapshot is JSON, `rebalancer-snapshot/1`, compressed if its name ends in `.gz`. It comes back exactly as it was
written, and the same snapshot gives the same bytes.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from rebalancer.clocks import Clocks
from rebalancer.demand import LoadProfile, Quality, Series
from rebalancer.demand.flows import Flow
from rebalancer.demand.lines import Rows, hours_of, lines_of, shortened, whole
from rebalancer.errors import InventoryError, SnapshotError
from rebalancer.essence import line_of, table_of
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import SNAPSHOT
from rebalancer.files.reading import content_of
from rebalancer.files.shapes import DocumentShape, first_mistake
from rebalancer.files.writing import write_whole
from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.inventory.records import refuse_headless
from rebalancer.slots import RecordedDay
from rebalancer.units import HOURS_A_DAY, counted

FORMAT: Final = "rebalancer-snapshot/1"
REMEDY: Final = "Take a new one with `rebalancer snapshot`"

SHOWN: Final = 40
"""Characters of another format that are told."""
WEEK_HOURS: Final = 168.0
MOST_PCPUS: Final = 1e6
"""More than any pool has; what is above would no longer be counted exactly."""
MOST_BYTES: Final = 1 << 60
"""An EiB: memory of which no host has as much."""

MOST_WEIGHT: Final = 1_000_000
"""A thousand times what a recorded day weighs at most."""

Pcpus = Annotated[float, Field(ge=0, le=MOST_PCPUS, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
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

    def __repr__(self) -> str:
        sizes = f"{counted(len(self.pool.hosts), 'host')}, {counted(len(self.pool.vms), 'VM')}, {self._measured}"
        words = f"of pool {self.pool.name!r} at {self.taken_at:%Y-%m-%d %H:%M %Z}: {sizes}, from {self.source}"
        return line_of(type(self).__name__, words)

    def _repr_html_(self) -> str:
        read = {"metrics": self._measured, "taken": f"{self.taken_at:%Y-%m-%d %H:%M %Z}", "from": self.source}
        return table_of(f"Pool {self.pool.name}", {**self.pool.facts, **read})

    @property
    def _measured(self) -> str:
        return "no metrics" if self.demand is None else f"{self.demand.slots} hours of load"


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
        demand=None if snapshot.demand is None else _to_lists(snapshot.demand),
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
    except (InventoryError, _Contradiction) as error:
        raise SnapshotError(where, f"its contents contradict each other: {error}".rstrip("."), REMEDY) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """A recorded day, see `RecordedDay`."""

    start: AwareDatetime
    weight: Annotated[int, Field(gt=0, le=MOST_WEIGHT)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hours:
    """The hours that a load profile was made of, a line a VM or host."""

    vm_pcpu: tuple[str, ...]
    host_base_pcpu: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demand:
    """A load profile as the file has it: arrays are lists, one a VM or host.

    Of recorded days a list of one number is this number in every slot, and an empty one says what the hours say.
    """

    vms: tuple[Uuid, ...]
    hosts: tuple[Uuid, ...]
    vm_pcpu: tuple[tuple[Pcpus, ...], ...]
    host_base_pcpu: tuple[tuple[Pcpus, ...], ...]
    slot_hours: Annotated[float, Field(gt=0, le=WEEK_HOURS, allow_inf_nan=False)]
    quality: Mapping[Uuid, Quality]
    percentile: Annotated[float, Field(ge=0, le=100)] | None
    window_start: AwareDatetime
    window_end: AwareDatetime
    timezone: str
    source: str
    vm_deviation_pcpu: tuple[tuple[Pcpus, ...], ...] | None = None
    clocks: Clocks | None = None
    refused: Mapping[Uuid, str] = field(default_factory=dict)
    memory_used: Mapping[Uuid, Annotated[int, Field(gt=0, le=MOST_BYTES)]] = field(default_factory=dict)
    waited: Mapping[Uuid, Pcpus] = field(default_factory=dict)
    days: tuple[_Day, ...] = ()
    series: _Hours | None = None
    resources: tuple[Literal["network", "disk"], ...] = ()
    flows: tuple[Flow, ...] = ()


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
    raise SnapshotError(where, f"it is not a snapshot: its format is {found[:SHOWN]!r}", REMEDY)


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
    days = tuple(_Day(start=day.start, weight=day.weight) for day in profile.days)
    hours = profile.series
    if hours is None:
        return _Demand(**{**values, **rows, "days": days})
    parts = {name: getattr(hours, name) for name in ("vm_pcpu", "host_base_pcpu")}
    short = {name: shortened(rows[name], means, profile) for name, means in parts.items() if days}
    series = _Hours(**{name: lines_of(means) for name, means in parts.items()})
    return _Demand(**{**values, **rows, **short, "days": days, "series": series})


def _to_arrays(demand: _Demand) -> LoadProfile:
    """The profile with its lists as arrays; a `_Contradiction` where they are not one a VM or host, of one length."""
    values: dict[str, Any] = {each.name: getattr(demand, each.name) for each in fields(demand)}
    days = tuple(RecordedDay(start=day.start.astimezone(UTC), weight=day.weight) for day in demand.days)
    values |= {"days": days, "series": _series(demand), "window_start": demand.window_start.astimezone(UTC)}
    peaks = demand.vm_deviation_pcpu
    vm_rows, host_rows = (_whole(demand, name, values) for name in ("vm_pcpu", "host_base_pcpu"))
    slots = {len(row) for row in (*vm_rows, *host_rows, *(peaks or ()), *(each.rates for each in demand.flows))}
    vms = {len(vm_rows), len(demand.vms), len(demand.vms if peaks is None else peaks)}
    if len(slots) > 1 or len(vms) > 1 or len(host_rows) != len(demand.hosts):
        raise _Contradiction("the load profile's lists differ in length")
    if not all(0 <= rate <= MOST_PCPUS for each in demand.flows for rate in (*each.rates, *filter(None, each.hours))):
        raise _Contradiction("the load profile has flows that no card or disk has")
    if set(demand.quality) != set(demand.vms):
        raise _Contradiction("the load profile rates other VMs than it has")
    shape = max(slots, default=0)
    if days and slots - {HOURS_A_DAY * len(days)}:
        raise _Contradiction("the load profile has other hours than its days")
    return LoadProfile(
        **{
            **values,
            "vm_pcpu": np.array(vm_rows, dtype=np.float64).reshape(-1, shape),
            "host_base_pcpu": np.array(host_rows, dtype=np.float64).reshape(-1, shape),
            "vm_deviation_pcpu": None if peaks is None else np.array(peaks, dtype=np.float64).reshape(-1, shape),
            "window_end": demand.window_end.astimezone(UTC),
        }
    )


def _series(demand: _Demand) -> Series | None:
    """The hours of the file; a `_Contradiction` where they are not those of the window, of all VMs and hosts."""
    if demand.series is None:
        return None
    try:
        vms, hosts = hours_of(demand.series.vm_pcpu), hours_of(demand.series.host_base_pcpu)
    except ValueError as error:
        raise _Contradiction(f"the load profile's {error}") from None
    hours = (demand.window_end - demand.window_start) / timedelta(hours=1)
    if (vms.shape, hosts.shape) != ((len(demand.vms), hours), (len(demand.hosts), hours)) or hours % HOURS_A_DAY:
        raise _Contradiction("the load profile's hours are not those of its window")
    return Series(vm_pcpu=vms, host_base_pcpu=hosts)


def _whole(demand: _Demand, name: str, values: Mapping[str, Any]) -> Rows:
    """The rows of a table, with what the hours of the file say."""
    rows: Rows = getattr(demand, name)
    days, series = values["days"], values["series"]
    if not days or series is None:
        return rows
    start: datetime = values["window_start"]
    if any(day.start < start or day.start + timedelta(days=1) > demand.window_end for day in days):
        raise _Contradiction("the load profile has days outside its window")
    if len(rows) != len(getattr(series, name)):
        raise _Contradiction("the load profile's lists differ in length")
    return whole(rows, getattr(series, name), start, days)
