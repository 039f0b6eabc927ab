"""The load profile of a snapshot file: arrays as lists, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import AwareDatetime, Field

from rebalancer.clocks import Clocks
from rebalancer.demand import LoadProfile, Quality, Series
from rebalancer.demand.flows import Flow
from rebalancer.demand.lines import Rows, hours_of, lines_of, shortened, whole
from rebalancer.inventory import Uuid
from rebalancer.slots import RecordedDay
from rebalancer.units import HOURS_A_DAY, is_time_zone

WEEK_HOURS: Final = 168.0
MOST_PCPUS: Final = 1e6
"""More than any pool has; what is above would no longer be counted exactly."""
MOST_BYTES: Final = 1 << 60
"""An EiB: memory of which no host has as much."""
MOST_WEIGHT: Final = 1_000_000
"""A thousand times what a recorded day weighs at most."""

Pcpus = Annotated[float, Field(ge=0, le=MOST_PCPUS, allow_inf_nan=False)]


class Contradiction(ValueError):
    """Two parts of a file do not fit each other."""


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
class ProfileLists:
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


def to_lists(profile: LoadProfile) -> ProfileLists:
    """*profile* with its arrays as lists, hours that are told once written once."""
    values: dict[str, Any] = {each.name: getattr(profile, each.name) for each in fields(ProfileLists)}
    tables = ("vm_pcpu", "host_base_pcpu", "vm_deviation_pcpu")
    rows = {name: tuple(map(tuple, values[name].tolist())) for name in tables if values[name] is not None}
    days = tuple(_Day(start=day.start, weight=day.weight) for day in profile.days)
    hours = profile.series
    if hours is None:
        return ProfileLists(**{**values, **rows, "days": days})
    parts = {name: getattr(hours, name) for name in ("vm_pcpu", "host_base_pcpu")}
    short = {name: shortened(rows[name], means, profile) for name, means in parts.items() if days}
    series = _Hours(**{name: lines_of(means) for name, means in parts.items()})
    return ProfileLists(**{**values, **rows, **short, "days": days, "series": series})


def to_arrays(demand: ProfileLists) -> LoadProfile:
    """The profile with its lists as arrays; a `Contradiction` where they are not one a VM or host, of one length."""
    values: dict[str, Any] = {each.name: getattr(demand, each.name) for each in fields(demand)}
    days = tuple(RecordedDay(start=day.start.astimezone(UTC), weight=day.weight) for day in demand.days)
    values |= {"days": days, "series": _series(demand), "window_start": demand.window_start.astimezone(UTC)}
    peaks = demand.vm_deviation_pcpu
    vm_rows, host_rows = (_whole(demand, name, values) for name in ("vm_pcpu", "host_base_pcpu"))
    slots = {len(row) for row in (*vm_rows, *host_rows, *(peaks or ()), *(each.rates for each in demand.flows))}
    vms = {len(vm_rows), len(demand.vms), len(demand.vms if peaks is None else peaks)}
    if len(slots) > 1 or len(vms) > 1 or len(host_rows) != len(demand.hosts):
        raise Contradiction("the load profile's lists differ in length")
    if not all(0 <= rate <= MOST_PCPUS for each in demand.flows for rate in (*each.rates, *filter(None, each.hours))):
        raise Contradiction("the load profile has flows that no card or disk has")
    if not is_time_zone(demand.timezone):
        raise Contradiction(f"the load profile is in {demand.timezone!r:.40}, which is no time zone")
    if set(demand.quality) != set(demand.vms):
        raise Contradiction("the load profile rates other VMs than it has")
    shape = max(slots, default=0)
    if days and slots - {HOURS_A_DAY * len(days)}:
        raise Contradiction("the load profile has other hours than its days")
    return LoadProfile(
        **{
            **values,
            "vm_pcpu": np.array(vm_rows, dtype=np.float64).reshape(-1, shape),
            "host_base_pcpu": np.array(host_rows, dtype=np.float64).reshape(-1, shape),
            "vm_deviation_pcpu": None if peaks is None else np.array(peaks, dtype=np.float64).reshape(-1, shape),
            "window_end": demand.window_end.astimezone(UTC),
        }
    )


def _series(demand: ProfileLists) -> Series | None:
    """The hours of the file; a `Contradiction` where they are not those of the window, of all VMs and hosts."""
    if demand.series is None:
        return None
    try:
        vms, hosts = hours_of(demand.series.vm_pcpu), hours_of(demand.series.host_base_pcpu)
    except ValueError as error:
        raise Contradiction(f"the load profile's {error}") from None
    hours = (demand.window_end - demand.window_start) / timedelta(hours=1)
    if (vms.shape, hosts.shape) != ((len(demand.vms), hours), (len(demand.hosts), hours)) or hours % HOURS_A_DAY:
        raise Contradiction("the load profile's hours are not those of its window")
    return Series(vm_pcpu=vms, host_base_pcpu=hosts)


def _whole(demand: ProfileLists, name: str, values: Mapping[str, Any]) -> Rows:
    """The rows of a table, with what the hours of the file say."""
    rows: Rows = getattr(demand, name)
    days, series = values["days"], values["series"]
    if not days or series is None:
        return rows
    start: datetime = values["window_start"]
    if any(day.start < start or day.start + timedelta(days=1) > demand.window_end for day in days):
        raise Contradiction("the load profile has days outside its window")
    if len(rows) != len(getattr(series, name)):
        raise Contradiction("the load profile's lists differ in length")
    return whole(rows, getattr(series, name), start, days)
