"""The quality gate: how well each VM's demand is known, whose metrics say nothing, and when all of them are refused.

One host or VM whose metrics are no good is told with the reason, and held as it is; only where too little is left to
plan on are the metrics of the whole pool refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rebalancer.demand.profile import Quality
from rebalancer.demand.vcpus import TOLERANCE, vcpu_limit
from rebalancer.demand.window import HOURS_OF_DAY, Window
from rebalancer.errors import MetricsRefused
from rebalancer.inventory import VM, Host, Names, Pool, Uuid, told_apart

EDGE_HOURS = 2
"""A VM whose first point comes this late is not young: archives begin up to an hour late, and clocks differ."""

MOST_UNKNOWN = 0.5
"""Share of VMs that may be unknown: with more, the answer would rest on VMs that nobody measured."""

LEAST_HOSTS = 2
"""Hosts that have to be known for anything to move from one to another."""


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


def impossible(samples: pd.DataFrame, pool: Pool) -> dict[Uuid, str]:
    """The VMs and hosts of *pool* with a sample that cannot be true, each with the first of them in words.

    It is negative, infinite, or more than all the CPUs of the VM or host.
    """
    limits = {vm.uuid: float(vcpu_limit(vm)) for vm in pool.vms.values() if not vm.is_control_domain}
    limits |= {host.uuid: float(host.pcpus or 0) for host in pool.hosts.values()}
    owned = samples["uuid"].astype("str").map({uuid: limit or np.inf for uuid, limit in limits.items()})
    pcpu = samples["pcpu"].to_numpy(dtype=np.float64)
    highest = owned.to_numpy(dtype=np.float64) * (1 + TOLERANCE)
    wrong = samples[(pcpu < 0) | np.isinf(pcpu) | (pcpu > highest)].drop_duplicates("uuid")
    wrong = wrong[wrong["uuid"].isin([*pool.vms, *pool.hosts])]
    return {str(row.uuid): _impossible(row.uuid, row.time, row.pcpu, pool) for row in wrong.itertuples()}


def refuse_impossible(samples: pd.DataFrame, pool: Pool) -> None:
    """Pass where every sample of a table can be true: one that cannot be hints at a table in other units.

    Raises:
        MetricsRefused: one is negative, infinite, or more than all the CPUs of its VM or host.
    """
    found = impossible(samples, pool)
    if found:
        raise MetricsRefused([f"{_called(uuid, pool)}: {words}" for uuid, words in found.items()])


def silent_hosts(
    hosts: Sequence[Host], base: NDArray[np.float64], minimum_coverage: float
) -> Iterator[tuple[Uuid, str]]:
    """The live hosts of whose own load no point or too few are known, and why.

    A day is enough; where no host has so many points, so are as many as the best known one has.

    Args:
        hosts: the hosts.
        base: what each used for itself, hour by hour, NaN where that is not known, shape (hosts, hours).
        minimum_coverage: share of these points below which a host is unknown.
    """
    points = (~np.isnan(base)).sum(axis=1)
    enough = min(HOURS_OF_DAY, int(points.max(initial=0)))
    for host, count in zip(hosts, points.tolist(), strict=True):
        if host.live and not count:
            yield host.uuid, "it sent no CPU metrics"
        elif host.live and count < enough * minimum_coverage:
            yield host.uuid, f"it sent {count} hourly points where {enough} make a day: it joined a short while ago"


def refuse_silent_pool(pool: Pool, refused: Mapping[Uuid, str], share: float) -> None:
    """Pass where the metrics of enough live hosts are good; dead ones are not expected to send any.

    Args:
        pool: the pool.
        refused: whose metrics are no good, and why.
        share: of live hosts, from which the pool is refused; a single one never is a reason where two others are left.

    Raises:
        MetricsRefused: too few are; each host that is silent is named.
    """
    live = [host for host in pool.hosts.values() if host.live]
    silent = [host for host in live if host.uuid in refused]
    left = len(live) - len(silent)
    if silent and (left < LEAST_HOSTS or (len(silent) > 1 and len(silent) >= share * len(live))):
        called = Names(pool).hosts
        alike: dict[str, list[str]] = {}
        for host in silent:
            alike.setdefault(refused[host.uuid], []).append(f"host {called[host.uuid]}")
        reasons = [f"{', '.join(hosts)}: {reason}" for reason, hosts in alike.items()]
        raise MetricsRefused([f"{len(silent)} of {len(live)} live hosts give none that can be used", *reasons])


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
        called = told_apart({vm.uuid: vm.name for vm in vms})
        points = [f"VM {called[vm.uuid]} has {(~np.isnan(row)).sum()} of {window.hours} points" for vm, row in unknown]
        raise MetricsRefused([f"{len(unknown)} of {len(vms)} running VMs have too few points from {span}", *points])


def _called(uuid: Uuid, pool: Pool) -> str:
    return f"VM {pool.vms[uuid].name} ({uuid})" if uuid in pool.vms else f"host {Names(pool).hosts[uuid]}"


def _impossible(uuid: str, time: pd.Timestamp, pcpu: float, pool: Pool) -> str:
    has = f"{vcpu_limit(pool.vms[uuid])} vCPUs" if uuid in pool.vms else f"{pool.hosts[uuid].pcpus} pCPUs"
    return f"{pcpu:g} pCPU at {time:%Y-%m-%d %H:%M} UTC is impossible with {has}"
