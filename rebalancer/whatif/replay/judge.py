"""What a day that came was like where VMs were: the same figures for everybody, by no policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.inventory import Pool, Uuid

SHARES = (0.75, 0.90, 1.00)
"""Shares of a host's pCPUs above which its hours count; what is above the first is overload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLoad:
    """The load of a day, or of several.

    Args:
        overload: pCPU-hours above 75 % of the hosts' pCPUs.
        hours_above: host-hours above each of `SHARES`.
        worst_share: the busiest host-hour, as a share of the host's pCPUs.
        worst_host: which host that is, by uuid; None where no host has known pCPUs.
        worst_hour: how many hours after the beginning.
    """

    overload: float
    hours_above: tuple[int, ...]
    worst_share: float
    worst_host: Uuid | None
    worst_hour: int


def day_of(pool: Pool, came: LoadProfile, host_of: Mapping[Uuid, Uuid]) -> DayLoad:
    """What *came* made of *pool* with its VMs on *host_of*; hosts that are dead or of unknown size are left out."""
    hosts = [host for host in pool.hosts.values() if host.live and host.pcpus]
    cpus = np.array([host.pcpus for host in hosts], dtype=np.float64)[:, None]
    share = _load(came, host_of)[[came.hosts.index(host.uuid) for host in hosts]] / cpus
    above = np.maximum(share - SHARES[0], 0.0) * cpus
    worst = np.unravel_index(int(share.argmax()), share.shape) if share.size else (0, 0)
    return DayLoad(
        overload=float(above.sum()) * came.slot_hours,
        hours_above=tuple(int((share > each).sum()) for each in SHARES),
        worst_share=float(share[worst]) if share.size else 0.0,
        worst_host=hosts[int(worst[0])].uuid if hosts else None,
        worst_hour=int(worst[1]),
    )


def least_overload(pool: Pool, came: LoadProfile) -> float:
    """pCPU-hours above 75 % that *pool* has wherever its VMs are, even if they could be divided."""
    hosts = [host for host in pool.hosts.values() if host.live and host.pcpus]
    counted = {host.uuid for host in hosts}
    guests = [row for row, vm in enumerate(came.vms) if pool.vms[vm].resident_on in counted]
    used = came.vm_pcpu[guests].sum(axis=0) + came.host_base_pcpu[[came.hosts.index(each) for each in counted]].sum(
        axis=0
    )
    room = SHARES[0] * sum(host.pcpus or 0 for host in hosts)
    return float(np.maximum(used - room, 0.0).sum()) * came.slot_hours


def _load(came: LoadProfile, host_of: Mapping[Uuid, Uuid]) -> NDArray[np.float64]:
    load, place = came.host_base_pcpu.copy(), {host: number for number, host in enumerate(came.hosts)}
    there = [(row, place[host_of[vm]]) for row, vm in enumerate(came.vms) if host_of.get(vm) in place]
    np.add.at(load, [host for _, host in there], came.vm_pcpu[[row for row, _ in there]])
    return load
