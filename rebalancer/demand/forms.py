"""Forms of a load profile: how measured hours become slots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand.days import DaySettings, filled_days, recorded_days
from rebalancer.demand.flows import Flow, FlowKey, formed_flows, hours_of_flows
from rebalancer.demand.profile import LoadProfile, Quality, Series
from rebalancer.demand.window import HOUR, HOURS_OF_DAY, Window
from rebalancer.slots import RecordedDay

Floats = NDArray[np.float64]


class FormSettings(DaySettings, Protocol):
    """What the policy says about slots; see its section `demand`."""

    @property
    def in_days(self) -> bool:
        """Whether slots are hours of recorded days, not percentiles."""

    @property
    def slots(self) -> int:
        """24, or 168, of percentiles."""

    @property
    def percentile(self) -> float:
        """0 to 100."""

    @property
    def window_days(self) -> int:
        """How far back samples count."""

    @property
    def timezone(self) -> str:
        """IANA name of the zone whose hours the slots are."""

    @property
    def peaking(self) -> int:
        """How many VMs of a host are expected to peak together."""

    @property
    def peak_percentile(self) -> float:
        """What counts as a peak, 0 to 100."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Formed:
    """The part of a load profile that its form decides; see `LoadProfile`."""

    vm_pcpu: Floats
    host_base_pcpu: Floats
    vm_deviation_pcpu: Floats | None
    percentile: float | None
    days: tuple[RecordedDay, ...]
    flows: tuple[Flow, ...]


def formed(
    series: Series, window: Window, unknown: Floats, settings: FormSettings, flows: Mapping[FlowKey, Floats]
) -> Formed:
    """The slots of *series* in the form that *settings* ask for.

    A slot without any hour takes the row's highest hour; of a host without any, 0.

    Args:
        series: the hours of *window*.
        window: whole days.
        unknown: of each VM that is unknown what it counts as in every slot, NaN of the others, shape (VMs,).
        settings: section `demand` of the policy.
        flows: the hours of other resources, shape (hours,).
    """
    usual = _in_days(series, window, settings) if settings.in_days else None
    slots = usual or _percentiles(window, settings, settings.percentile)
    vm_pcpu = _with_unknown(series.vm_pcpu, slots, unknown)
    deviation = None
    if settings.peaking and usual is None:
        peaks = _with_unknown(series.vm_pcpu, _percentiles(window, settings, settings.peak_percentile), unknown)
        deviation = np.maximum(peaks - vm_pcpu, 0.0)
    nothing = np.zeros(len(series.host_base_pcpu))
    return Formed(
        vm_pcpu=vm_pcpu,
        host_base_pcpu=_filled(slots.of(series.host_base_pcpu), highest(series.host_base_pcpu, nothing)),
        vm_deviation_pcpu=deviation,
        percentile=None if usual else settings.percentile,
        days=slots.days,
        flows=formed_flows(flows, lambda hours: _filled(slots.of(hours), highest(hours, np.zeros(len(hours))))),
    )


def hours_of_days(means: Floats, start: datetime, days: Sequence[RecordedDay]) -> Floats:
    """The hours of *days* out of *means*, shape (rows, hours from *start*), with gaps filled, shape (rows, slots)."""
    first = [(day.start - start) // HOUR for day in days]
    hours = (np.array(first, dtype=np.int64)[:, None] + np.arange(HOURS_OF_DAY)).reshape(-1)
    return _filled(filled_days(means)[:, hours], highest(means, np.zeros(len(means))))


def in_form(profile: LoadProfile, settings: FormSettings) -> LoadProfile:
    """*profile* in the form that *settings* ask for; as it is where it holds no hours to make slots of.

    Of a window that is longer than they ask for the last days count.
    """
    whole = profile.series
    if whole is None:
        return profile
    hours = min(whole.hours, settings.window_days * HOURS_OF_DAY)
    series = Series(vm_pcpu=whole.vm_pcpu[:, -hours:], host_base_pcpu=whole.host_base_pcpu[:, -hours:])
    known = np.array([profile.quality[vm] is not Quality.UNKNOWN for vm in profile.vms], dtype=bool)
    most = profile.vm_pcpu.max(axis=1, initial=0.0)
    window = Window(start=profile.window_end - hours * HOUR, hours=hours)
    flows = hours_of_flows(profile.flows, hours)
    found = formed(series, window, np.where(known, np.nan, most), settings, flows)
    return replace(
        profile,
        vm_pcpu=found.vm_pcpu,
        host_base_pcpu=found.host_base_pcpu,
        vm_deviation_pcpu=found.vm_deviation_pcpu,
        percentile=found.percentile,
        days=found.days,
        flows=found.flows,
        timezone=settings.timezone,
    )


@dataclass(frozen=True, slots=True)
class _Slots:
    """What rows of hours are in each slot, NaN where nothing is known, and the days that the slots are hours of."""

    of: Callable[[Floats], Floats]
    days: tuple[RecordedDay, ...] = ()


def _in_days(series: Series, window: Window, settings: FormSettings) -> _Slots:
    choice = recorded_days(series.vm_pcpu, window, settings)
    return _Slots(lambda means: filled_days(means)[:, choice.hours], choice.days)


def _percentiles(window: Window, settings: FormSettings, percentile: float) -> _Slots:
    slot_of_hour = window.slots(settings.slots, settings.timezone)
    return _Slots(lambda means: slot_percentiles(means, slot_of_hour, settings.slots, percentile))


def _with_unknown(means: Floats, slots: _Slots, unknown: Floats) -> Floats:
    found = _filled(slots.of(means), highest(means, unknown))
    return np.where(np.isnan(unknown)[:, None], found, unknown[:, None])


def highest(means: Floats, otherwise: Floats) -> Floats:
    """The highest hour of each row; *otherwise* for a row without any."""
    found = np.where(np.isnan(means), -np.inf, means).max(axis=1, initial=-np.inf)
    return np.where(np.isinf(found), otherwise, found)


def _filled(slots: Floats, highest_hour: Floats) -> Floats:
    return np.where(np.isnan(slots), highest_hour[:, None], slots)


def slot_percentiles(
    means: NDArray[np.float64], slot_of_hour: NDArray[np.int64], slots: int, percentile: float
) -> NDArray[np.float64]:
    """The percentile of the known hours in each slot, shape (rows of *means*, slots), NaN where there is none.

    It is one of the hours by its rank, the lower of the two that it is between: of seven the 95th is the second
    highest, so that one odd night counts nothing (`numpy.percentile` with the method `lower`).
    """
    columns = [_percentile(means[:, slot_of_hour == slot], percentile) for slot in range(slots)]
    return np.stack(columns, axis=1)


def _percentile(values: NDArray[np.float64], percentile: float) -> NDArray[np.float64]:
    """The percentile of the known values in each row; `numpy.nanpercentile` is a hundred times slower."""
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)
    last = np.maximum((~np.isnan(values)).sum(axis=1) - 1, 0)
    return np.asarray(ordered[np.arange(len(values)), np.floor(last * percentile / 100).astype(np.int64)])
