"""The quality gate: how well each VM's demand is known, and when the metrics of a whole pool are refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rebalancer.demand.hourly import Window
from rebalancer.demand.profile import Quality
from rebalancer.demand.vcpus import TOLERANCE, vcpu_limit
from rebalancer.errors import MetricsRefused
from rebalancer.inventory import VM, Host, Pool

EDGE_HOURS = 2
"""A VM whose first point comes this late is not young: archives begin up to an hour late, and clocks differ."""

MOST_UNKNOWN = 0.5
"""Share of VMs that may be unknown: with more, the answer would rest on VMs that nobody measured."""


def quality_of(means: NDArray[np.float64], minimum_coverage: float) -> list[Quality]:
    """How well each VM is known, by the points it has of those it could have since its first.

    Args:
        means: hourly means, NaN where missing, shape (VMs, hours).
        minimum_coverage: share of points below which a VM is unknown.
    """
    known = ~np.isnan(means)
    points, first = known.sum(axis=1), known.argmax(axis=1)
    coverage = points / (means.shape[1] - first)
    unknown = (points == 0) | (coverage < minimum_coverage)
    short = first > EDGE_HOURS
    return [
        Quality.UNKNOWN if no else Quality.SHORT if young else Quality.MEASURED
        for no, young in zip(unknown, short, strict=True)
    ]


def refuse_impossible(samples: pd.DataFrame, pool: Pool) -> None:
    """Pass where every sample of this pool can be true.

    Raises:
        MetricsRefused: one is negative, infinite, or more than all the CPUs of its VM or host.
    """
    limits = {vm.uuid: float(vcpu_limit(vm)) for vm in pool.vms.values() if not vm.is_control_domain}
    limits |= {host.uuid: float(host.pcpus or 0) for host in pool.hosts.values()}
    owned = samples["uuid"].astype("str").map({uuid: limit or np.inf for uuid, limit in limits.items()})
    pcpu = samples["pcpu"].to_numpy(dtype=np.float64)
    highest = owned.to_numpy(dtype=np.float64) * (1 + TOLERANCE)
    wrong = samples[(pcpu < 0) | np.isinf(pcpu) | (pcpu > highest)].drop_duplicates("uuid")
    wrong = wrong[wrong["uuid"].isin([*pool.vms, *pool.hosts])]
    if len(wrong):
        raise MetricsRefused([_impossible(row.uuid, row.time, row.pcpu, pool) for row in wrong.itertuples()])


def refuse_silent_hosts(hosts: Sequence[Host], base: NDArray[np.float64], pool: Pool) -> None:
    """Pass where every host that is live or runs guests has a point.

    Raises:
        MetricsRefused: one has none: neither its own load nor that of its VMs is known.
    """
    busy = {vm.resident_on for vm in pool.resident_guests()}
    silent = [
        f"host {host.name} sent no CPU metrics"
        for host, points in zip(hosts, base, strict=True)
        if (host.live or host.uuid in busy) and np.isnan(points).all()
    ]
    if silent:
        raise MetricsRefused(silent)


def refuse_unknown_pool(
    vms: Sequence[VM], means: NDArray[np.float64], quality: Sequence[Quality], window: Window
) -> None:
    """Pass where most VMs are known.

    Raises:
        MetricsRefused: there is no point at all, or more than half of the VMs are unknown.
    """
    span = f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
    if vms and np.isnan(means).all():
        raise MetricsRefused([f"no running VM has a point from {span}"])
    unknown = [(vm, row) for vm, row, each in zip(vms, means, quality, strict=True) if each is Quality.UNKNOWN]
    if len(unknown) > MOST_UNKNOWN * len(vms):
        points = [f"VM {vm.name} has {(~np.isnan(row)).sum()} of {window.hours} points" for vm, row in unknown]
        raise MetricsRefused([f"{len(unknown)} of {len(vms)} running VMs have too few points from {span}", *points])


def _impossible(uuid: str, time: pd.Timestamp, pcpu: float, pool: Pool) -> str:
    if uuid in pool.vms:
        vm = pool.vms[uuid]
        who, has = f"VM {vm.name} ({uuid})", f"{vcpu_limit(vm)} vCPUs"
    else:
        who, has = f"host {pool.hosts[uuid].name}", f"{pool.hosts[uuid].pcpus} pCPUs"
    return f"{who}: {pcpu:g} pCPU at {time:%Y-%m-%d %H:%M} UTC is impossible with {has}"
