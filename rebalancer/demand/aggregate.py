"""Samples become the load profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rebalancer.demand.flows import FlowKey, own_flows
from rebalancer.demand.forms import FormSettings, formed, highest
from rebalancer.demand.gate import impossible, quality_of, refuse_silent_pool, refuse_unknown_pool, silent_hosts
from rebalancer.demand.hourly import hourly_means
from rebalancer.demand.profile import LoadProfile, Quality, Series, rounded_up
from rebalancer.demand.vcpus import vcpu_limit
from rebalancer.demand.window import Window, window_before
from rebalancer.inventory import VM, Host, Pool, Uuid
from rebalancer.units import counted


class DemandSettings(FormSettings, Protocol):
    """What the policy says about demand; see its section `demand`."""

    @property
    def minimum_coverage(self) -> float:
        """Share of points below which a VM is unknown."""

    @property
    def refuse_from_share(self) -> float:
        """Share of live hosts without metrics from which those of the whole pool are refused."""

    @property
    def waiting(self) -> bool:
        """Whether the time in which VMs waited for a pCPU counts as demand."""

    @property
    def clock_limit_minutes(self) -> int:
        """How far the clock of a host may be off whose metrics count."""

    @property
    def resources(self) -> tuple[str, ...]:
        """What is read beside CPU: `network`, `disk`."""


def profile_from_samples(
    samples: pd.DataFrame,
    pool: Pool,
    settings: DemandSettings,
    window_end: datetime,
    *,
    source: str = "hosts' RRDs",
    refused: Mapping[Uuid, str] | None = None,
    waiting: pd.DataFrame | None = None,
    flows: pd.DataFrame | None = None,
) -> LoadProfile:
    """The load profile of the VMs that run in *pool*.

    A slot is the percentile of the hourly means that fall into it, or where *settings* say so an hour of a recorded
    day, which is that of the nearest day where it is missing; a slot without any takes the highest hour seen. An
    unknown VM takes its highest hour in every slot, and one without any point as much as it has vCPUs: never 0.

    A host's base load is what its control domains used. Where they have no points, it is what the host used less
    its VMs of now, never below 0; that is too much for a while after a VM left, because its share of the past stays in
    the host's numbers. Without samples of hosts and control domains it counts as 0, and `source` says so.

    Args:
        samples: columns `uuid`, `owner` (`vm` or `host`), `time` (start of the interval, aware, UTC), `pcpu` (hosts:
            their VMs included); rows of VMs and hosts that the pool does not have are left out.
        pool: the pool that was read with them.
        settings: section `demand` of the policy.
        window_end: the moment up to which samples count, aware; the hour it is in does not.
        source: where the samples come from, in words.
        refused: live hosts and VMs whose metrics are known to be no good, and why: "its clock is 7 h ahead". Samples
            that cannot be true, and silence, are found here.
        waiting: as *samples*, pCPUs that VMs wanted and did not get. Where the policy says so they count on top of what
            was used, up to the VM's vCPUs, in hours that have both; hosts' own load is found without them.
        flows: samples of what VMs and hosts send, receive, read and write; None where the source does not tell.

    Raises:
        MetricsRefused: too many live hosts have no metrics that can be used, or over half of the VMs are unknown.
    """
    refused = {**(refused or {}), **impossible(samples, pool)}
    samples = samples[~samples["uuid"].isin([*refused])]
    window = window_before(window_end, settings.window_days)
    vms, hosts = list(pool.resident_guests()), list(pool.hosts.values())
    means = hourly_means(samples, [vm.uuid for vm in vms], window)
    quality = quality_of(means, settings.minimum_coverage)
    base = hosts_own_means(samples, pool, window, vms, means)
    measured = not np.isnan(base).all()
    if measured or (samples["owner"] == "host").any() or not refused.keys().isdisjoint(pool.hosts):
        refused = dict(silent_hosts(hosts, base, settings.minimum_coverage)) | refused
    refuse_silent_pool(pool, refused, settings.refuse_from_share)
    rows = _heard(vms, pool, refused)
    refuse_unknown_pool([vms[row] for row in rows], means[rows], [quality[row] for row in rows], window)
    waited = _waited(waiting, vms, window) if settings.waiting and waiting is not None else np.full_like(means, np.nan)
    series = Series(vm_pcpu=rounded_up(_wanted(means, waited, vms)), host_base_pcpu=rounded_up(base))
    found = formed(series, window, _unknown(series, vms, quality), settings, own_flows(_by_key(flows, window), pool))
    return LoadProfile(
        vms=tuple(vm.uuid for vm in vms),
        hosts=tuple(host.uuid for host in hosts),
        vm_pcpu=found.vm_pcpu,
        host_base_pcpu=found.host_base_pcpu,
        slot_hours=1.0,
        quality={vm.uuid: each for vm, each in zip(vms, quality, strict=True)},
        percentile=found.percentile,
        window_start=window.start,
        window_end=window.end,
        timezone=settings.timezone,
        source=_told(source, waited, measured=measured),
        waited=_mean_by_vm(waited, vms),
        vm_deviation_pcpu=found.vm_deviation_pcpu,
        refused=dict(sorted(refused.items())),
        days=found.days,
        series=series,
        resources=() if flows is None else settings.resources,
        flows=found.flows,
    )


def _by_key(flows: pd.DataFrame | None, window: Window) -> dict[FlowKey, NDArray[np.float64]]:
    """The hours of each flow, shape (hours,)."""
    names = [] if flows is None else sorted(map(str, flows["uuid"].unique()))
    means = np.zeros((0, window.hours)) if flows is None else hourly_means(flows, names, window)
    return {FlowKey.named(name): row for name, row in zip(names, means, strict=True)}


def _waited(waiting: pd.DataFrame, vms: Sequence[VM], window: Window) -> NDArray[np.float64]:
    """pCPUs that each of *vms* waited for in each hour, shape (VMs, hours), NaN where that is not recorded."""
    return hourly_means(waiting, [vm.uuid for vm in vms], window)


def _wanted(means: NDArray[np.float64], waited: NDArray[np.float64], vms: Sequence[VM]) -> NDArray[np.float64]:
    """What VMs used and waited for, up to their vCPUs, shape (VMs, hours); what they used where no more is known."""
    limits = np.array([vcpu_limit(vm) or np.inf for vm in vms]).reshape(-1, 1)
    return np.where(np.isnan(waited), means, np.maximum(means, np.minimum(means + waited, limits)))


def _told(source: str, waited: NDArray[np.float64], *, measured: bool) -> str:
    """Where the numbers come from, with what they hold beside what was used, and what is not in them."""
    vms = int((~np.isnan(waited)).any(axis=1).sum())
    told = f"{source}, with the time in which {counted(vms, 'VM')} waited for a pCPU" if vms else source
    return told if measured else f"{told}; the hosts' own load is not in it and counts as 0"


def _mean_by_vm(waited: NDArray[np.float64], vms: Sequence[VM]) -> dict[Uuid, float]:
    """The mean over the hours that are known, of the VMs that have one."""
    known = zip(vms, waited, strict=True)
    return {vm.uuid: float(np.nanmean(row)) for vm, row in known if not np.isnan(row).all()}


def _heard(vms: Sequence[VM], pool: Pool, refused: Mapping[Uuid, str]) -> list[int]:
    """The rows of *vms* on hosts that live and send metrics."""
    hosts = {host.uuid for host in pool.hosts.values() if host.live} - refused.keys()
    return [row for row, vm in enumerate(vms) if vm.resident_on in hosts]


def _unknown(series: Series, vms: Sequence[VM], quality: Sequence[Quality]) -> NDArray[np.float64]:
    """What each unknown VM counts as, its highest hour or as much as it has vCPUs; NaN of the others, shape (VMs,)."""
    most = highest(series.vm_pcpu, np.array([max(1.0, vcpu_limit(vm)) for vm in vms]))
    return np.where([each is Quality.UNKNOWN for each in quality], most, np.nan)


def hosts_own_means(
    samples: pd.DataFrame, pool: Pool, window: Window, vms: Sequence[VM], means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What each host used for itself in each hour, shape (hosts, hours), NaN where it is not known."""
    hosts = list(pool.hosts.values())
    domains = [vm for vm in pool.vms.values() if vm.is_control_domain]
    own = _sums_by_host(domains, hourly_means(samples, [vm.uuid for vm in domains], window), hosts)
    guests = np.nan_to_num(_sums_by_host(vms, np.nan_to_num(means), hosts))
    whole = hourly_means(samples[samples["owner"] == "host"], [host.uuid for host in hosts], window)
    return np.where(np.isnan(own), np.maximum(whole - guests, 0.0), own)


def _sums_by_host(vms: Sequence[VM], means: NDArray[np.float64], hosts: Sequence[Host]) -> NDArray[np.float64]:
    """The sum over the VMs of each host, shape (hosts, hours); NaN where it has none, or one of them has no point."""
    sums = np.full((len(hosts), means.shape[1]), np.nan)
    for row, host in enumerate(hosts):
        here = [index for index, vm in enumerate(vms) if vm.resident_on == host.uuid]
        if here:
            sums[row] = means[here].sum(axis=0)
    return sums
