"""The load profile: how many pCPUs each VM uses in each slot of the day or week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rebalancer.clocks import Clocks
from rebalancer.demand.flows import Flow
from rebalancer.essence import line_of
from rebalancer.inventory import Uuid
from rebalancer.slots import RecordedDay, Slots
from rebalancer.units import counted


class Quality(StrEnum):
    """How well a VM's demand is known."""

    MEASURED = "measured"
    SHORT = "short"
    UNKNOWN = "unknown"


DECIMALS = 4
"""Digits of a pCPU that measured hours keep: metrics are less exact, and with few of them nothing has to be rounded."""

GRAIN = 1e-6
"""Part of the last of these digits that counts as float noise."""


def rounded_up(pcpu: NDArray[np.float64]) -> NDArray[np.float64]:
    """*pcpu* with `DECIMALS` digits, never less than it is, NaN where it is."""
    whole = np.maximum(np.ceil(pcpu * 10**DECIMALS - GRAIN), 0.0)
    rounded: NDArray[np.float64] = np.round(whole / 10**DECIMALS, DECIMALS)
    return rounded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Hours as they were measured, from the window's beginning to its end, in the order of the profile's rows.

    Args:
        vm_pcpu: mean of each VM in each hour, shape (VMs, hours), NaN where it is not known.
        host_base_pcpu: the same of what each host needs for itself, shape (hosts, hours).
    """

    vm_pcpu: NDArray[np.float64]
    host_base_pcpu: NDArray[np.float64]

    @property
    def hours(self) -> int:
        """Hours of the window."""
        return int(self.vm_pcpu.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LoadProfile:
    """Demand in pCPUs.

    Args:
        vms: the VMs, one row of `vm_pcpu` each.
        hosts: the hosts, one row of `host_base_pcpu` each.
        vm_pcpu: pCPUs used, shape (VMs, slots), float64, never NaN, never negative.
        host_base_pcpu: pCPUs that a host needs for itself (dom0, Xen), shape (hosts, slots).
        slot_hours: length of a slot, 1.0 for hours of the day, of the week and of recorded days.
        quality: how well each VM is known; `SHORT` is younger than the window, `UNKNOWN` has too few points and
            stays where it is.
        percentile: of the hourly means that fall into a slot; None where slots are hours of recorded days.
        window_start: first moment that was read, UTC.
        window_end: last moment that was read, UTC.
        timezone: IANA name of the zone that slots are counted in.
        source: where the numbers come from, in words.
        vm_deviation_pcpu: how far the peak of each VM is above `vm_pcpu`, shape (VMs, slots), never negative; None
            where nobody asked for peaks.
        host_deviation_pcpu: the same for VMs whose use is part of `host_base_pcpu`, shape (hosts, VMs, slots).
        clocks: which clocks were off when it was measured; None where none was, or nobody looked.
        refused: hosts and VMs whose metrics say nothing, each with the reason; the rows of such hosts mean nothing,
            those of such VMs are as much as they have vCPUs.
        memory_used: bytes that guests use whose memory a migration may squeeze, where their agents tell.
        waited: pCPUs that VMs wanted and did not get, which `vm_pcpu` holds on top of what they used; the mean over the
            hours in which that is recorded, of the VMs of which it is.
        days: the recorded days whose hours the slots are, oldest first; none where they are percentiles.
        reference_mhz: speed of the pCPUs that everything is counted in; None where each host counts its own.
        series: the hours that the slots were made of; None where they are not known.
        resources: what else was read, `network` and `disk`.
        flows: what VMs and hosts send, receive, read and write, where that was read; others count 0.
        counted: how many hours each slot counts, where they are some of those of a whole profile.
    """

    vms: tuple[Uuid, ...]
    hosts: tuple[Uuid, ...]
    vm_pcpu: NDArray[np.float64]
    host_base_pcpu: NDArray[np.float64]
    slot_hours: float
    quality: Mapping[Uuid, Quality]
    percentile: float | None
    window_start: datetime
    window_end: datetime
    timezone: str
    source: str
    vm_deviation_pcpu: NDArray[np.float64] | None = None
    host_deviation_pcpu: NDArray[np.float64] | None = None
    clocks: Clocks | None = None
    refused: Mapping[Uuid, str] = field(default_factory=dict)
    memory_used: Mapping[Uuid, int] = field(default_factory=dict)
    waited: Mapping[Uuid, float] = field(default_factory=dict)
    days: tuple[RecordedDay, ...] = ()
    reference_mhz: float | None = None
    series: Series | None = None
    resources: tuple[str, ...] = ()
    flows: tuple[Flow, ...] = ()
    counted: tuple[Fraction, ...] = ()

    def __repr__(self) -> str:
        window = f"{self.window_start:%Y-%m-%d} to {self.window_end:%Y-%m-%d}"
        sizes = f"{counted(len(self.vms), 'VM')}, {counted(len(self.hosts), 'host')}, {counted(self.slots, 'hour')}"
        return line_of("LoadProfile", f"from {self.source}: {sizes} ({self.timezone}), {window}")

    @property
    def slots(self) -> int:
        """Slots in the day, the week or the recorded days."""
        return int(self.vm_pcpu.shape[1])

    @property
    def when(self) -> Slots:
        """Which hours the slots are."""
        return Slots(count=self.slots, timezone=self.timezone, days=self.days)

    @property
    def hours(self) -> tuple[Fraction, ...]:
        """How many hours each slot counts, exactly: pCPUs times these are pCPU-hours a day, or a week of 168 slots."""
        return self.counted or self.when.hours(self.slot_hours)

    def of_slots(self, slots: Sequence[int]) -> LoadProfile:
        """The profile of some *slots* alone, for sums over them; which hours they are it no longer tells."""
        hours, columns = self.hours, list(slots)
        peaks, staying = self.vm_deviation_pcpu, self.host_deviation_pcpu
        return replace(
            self,
            vm_pcpu=self.vm_pcpu[:, columns],
            host_base_pcpu=self.host_base_pcpu[:, columns],
            vm_deviation_pcpu=None if peaks is None else peaks[:, columns],
            host_deviation_pcpu=None if staying is None else staying[:, :, columns],
            days=(),
            counted=tuple(hours[slot] for slot in columns),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LoadProfile):
            return NotImplemented
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return self._words() == other._words() and all(_equal(mine, theirs) for mine, theirs in pairs)

    __hash__ = None  # type: ignore[assignment]

    def _arrays(self) -> tuple[NDArray[np.float64] | None, ...]:
        hours = (self.series.vm_pcpu, self.series.host_base_pcpu) if self.series else (None, None)
        return (self.vm_pcpu, self.host_base_pcpu, self.vm_deviation_pcpu, self.host_deviation_pcpu, *hours)

    def _words(self) -> tuple[object, ...]:
        measured = (
            self.percentile,
            self.days,
            self.window_start,
            self.window_end,
            self.timezone,
            self.source,
            self.clocks,
        )
        beside = (self.resources, self.flows)
        known = (dict(self.quality), dict(self.refused), dict(self.memory_used), dict(self.waited))
        return (self.vms, self.hosts, self.slot_hours, self.counted, self.reference_mhz, *beside, *known, *measured)


def _equal(mine: NDArray[np.float64] | None, theirs: NDArray[np.float64] | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    return np.array_equal(mine, theirs, equal_nan=True)
