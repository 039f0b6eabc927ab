"""What a pool used in the past, hour by hour: from it come the profile of any night, and the load of the day after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rebalancer.demand.aggregate import DemandSettings, hosts_own_means, profile_from_samples
from rebalancer.demand.gate import refuse_impossible
from rebalancer.demand.hourly import hourly_means
from rebalancer.demand.profile import LoadProfile, Quality
from rebalancer.demand.tables import EXPECTED, read_samples
from rebalancer.demand.vcpus import vcpu_limit
from rebalancer.demand.window import HOUR, HOURS_OF_DAY, Window
from rebalancer.errors import InputError
from rebalancer.inventory import VM, Pool, Uuid

MOST_DAYS = 1100
"""Three years: what spans more has a wrong date in it, and would not fit into memory by the hour."""

OWN = "own use of host "
"""What the VM is called that stands for all that a host uses itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """Hourly means of the VMs of a pool, and of what its hosts used for themselves, wherever VMs are later.

    Args:
        vms: the VMs, one row of `vm_pcpu` each.
        hosts: the hosts, one row of `own_pcpu` each.
        start: the first hour, UTC.
        vm_pcpu: pCPUs, shape (VMs, hours), NaN where it is not known.
        own_pcpu: the same for hosts, their VMs left out, shape (hosts, hours).
        source: where it comes from, in words.
    """

    vms: tuple[Uuid, ...]
    hosts: tuple[Uuid, ...]
    start: datetime
    vm_pcpu: NDArray[np.float64]
    own_pcpu: NDArray[np.float64]
    source: str

    @property
    def hours(self) -> int:
        """Hours that were recorded."""
        return int(self.vm_pcpu.shape[1])

    @property
    def end(self) -> datetime:
        """The moment after the last hour."""
        return self.start + self.hours * HOUR

    def unknown_share(self) -> float:
        """Share of the hours of VMs that is not known."""
        return float(np.isnan(self.vm_pcpu).mean()) if self.vm_pcpu.size else 0.0

    def profile(self, pool: Pool, settings: DemandSettings, until: datetime) -> LoadProfile:
        """The load profile that a plan for *pool* would have been made on at *until*.

        Raises:
            MetricsRefused: too little is known of the days before.
        """
        first = max(0, self._hour(until) - settings.window_days * HOURS_OF_DAY)
        hours = slice(first, self._hour(until))
        stand_ins = self._stand_ins(pool)
        samples = self._samples(hours, stand_ins)
        vms = {uuid: vm for uuid, vm in pool.vms.items() if not vm.is_control_domain}
        alone = replace(pool, vms=vms | {vm.uuid: vm for vm in stand_ins.values()})
        return profile_from_samples(samples, alone, settings, until, source=self.source)

    def came(self, pool: Pool, since: datetime, hours: int = HOURS_OF_DAY) -> LoadProfile:
        """What the VMs and hosts of *pool* did use in so many *hours* from *since*, a slot for each.

        An hour that is not known counts as the mean of those of its VM or host that are; a VM without any counts with
        as many pCPUs as it has vCPUs, as it does in plans.
        """
        guests, hosts = tuple(pool.resident_guests()), tuple(pool.hosts)
        within = slice(self._hour(since), self._hour(since) + hours)
        limits = np.array([float(max(1, vcpu_limit(vm))) for vm in guests])
        used = self._rows(self.vms, self.vm_pcpu, [vm.uuid for vm in guests])
        own = self._rows(self.hosts, self.own_pcpu, hosts)
        return LoadProfile(
            vms=tuple(vm.uuid for vm in guests),
            hosts=hosts,
            vm_pcpu=_filled(used, limits)[:, within],
            host_base_pcpu=_filled(own, np.zeros(len(hosts)))[:, within],
            slot_hours=1.0,
            quality={vm.uuid: Quality.MEASURED for vm in guests},
            percentile=100.0,
            window_start=since,
            window_end=since + hours * HOUR,
            timezone="UTC",
            source=f"{self.source}, the day that came",
        )

    def _hour(self, moment: datetime) -> int:
        return (moment - self.start) // HOUR

    def _stand_ins(self, pool: Pool) -> Mapping[Uuid, VM]:
        """For each host whose own use is known a control domain that uses it: its guests come and go."""
        known = [not bool(np.isnan(row).all()) for row in self.own_pcpu]
        example = next(iter(pool.vms.values()), None)
        return {
            host: replace(example, uuid=OWN + host, name=OWN + host, is_control_domain=True, resident_on=host)
            for host, has in zip(self.hosts, known, strict=True)
            if has and example is not None and host in pool.hosts
        }

    def _samples(self, hours: slice, stand_ins: Mapping[Uuid, VM]) -> pd.DataFrame:
        """Hourly means as samples in long form."""
        own = [
            (stand_ins[host].uuid, row)
            for host, row in zip(self.hosts, self.own_pcpu, strict=True)
            if host in stand_ins
        ]
        uuids = [*self.vms, *(uuid for uuid, _ in own)]
        values = np.vstack([self.vm_pcpu, *(row[None, :] for _, row in own)])[:, hours]
        times = pd.date_range(self.start + hours.start * HOUR, periods=values.shape[1], freq="h")
        return pd.DataFrame(
            {
                "uuid": pd.Categorical(np.repeat(uuids, len(times)), categories=uuids),
                "owner": "vm",
                "time": np.tile(times, len(uuids)),
                "pcpu": values.ravel(),
            }
        )

    def _rows(self, known: Sequence[Uuid], values: NDArray[np.float64], wanted: Sequence[Uuid]) -> NDArray[np.float64]:
        place = {uuid: number for number, uuid in enumerate(known)}
        unknown = np.full(self.hours, np.nan)
        return np.array([values[place[uuid]] if uuid in place else unknown for uuid in wanted]).reshape(-1, self.hours)


def read_recording(path: Path | str, pool: Pool) -> Recording:
    """The recording in the table at *path*, in the form that `read_samples` describes.

    What a host used for itself is what its control domains used, or what it used less its VMs where they are in *pool*.

    Raises:
        InputError: the file cannot be used, has no row, or spans more than three years.
        MetricsRefused: a number in it is impossible.
    """
    samples = read_samples(path, pool)
    if samples.empty:
        raise InputError(str(path), "it has no row", EXPECTED)
    refuse_impossible(samples, pool)
    first = samples["time"].min().floor("h").to_pydatetime().astimezone(UTC)
    last = samples["time"].max().floor("h").to_pydatetime().astimezone(UTC)
    window = Window(start=first, hours=(last - first) // HOUR + 1)
    if window.hours > MOST_DAYS * HOURS_OF_DAY:
        remedy = "Leave out the rows with a wrong date"
        raise InputError(str(path), f"it reaches from {first:%Y-%m-%d} to {last:%Y-%m-%d}", remedy)
    guests = list(pool.resident_guests())
    means = hourly_means(samples, [vm.uuid for vm in guests], window)
    return Recording(
        vms=tuple(vm.uuid for vm in guests),
        hosts=tuple(pool.hosts),
        start=first,
        vm_pcpu=means,
        own_pcpu=hosts_own_means(samples, pool, window, guests, means),
        source=f"file {Path(path).name}",
    )


def whole_day_from(moment: datetime) -> datetime:
    """The first midnight, UTC, that is not before *moment*."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if day == moment else day + timedelta(days=1)


def _filled(values: NDArray[np.float64], otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    sums, counts = np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1)
    means = np.divide(sums, counts, out=otherwise.copy(), where=counts > 0)
    return np.where(known, values, means[:, None])
