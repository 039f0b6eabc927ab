"""Rows of a load profile, where VMs and hosts go and come."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile, Series
from rebalancer.demand.profile import rounded_up
from rebalancer.inventory import Uuid


def without_vms(profile: LoadProfile | None, gone: Collection[Uuid]) -> LoadProfile | None:
    """*profile* without the VMs that are *gone*."""
    if profile is None:
        return None
    rows = [row for row, vm in enumerate(profile.vms) if vm not in gone]
    kept = {profile.vms[row] for row in rows}
    peaks, hours = profile.vm_deviation_pcpu, profile.series
    return replace(
        profile,
        vms=tuple(profile.vms[row] for row in rows),
        vm_pcpu=profile.vm_pcpu[rows],
        vm_deviation_pcpu=None if peaks is None else peaks[rows],
        series=hours and replace(hours, vm_pcpu=hours.vm_pcpu[rows]),
        quality={vm: value for vm, value in profile.quality.items() if vm in kept},
        refused={each: why for each, why in profile.refused.items() if each not in gone},
        memory_used={vm: value for vm, value in profile.memory_used.items() if vm in kept},
        waited={vm: value for vm, value in profile.waited.items() if vm in kept},
        flows=tuple(flow for flow in profile.flows if flow.key.owner not in gone),
    )


def without_hosts(profile: LoadProfile | None, gone: Collection[Uuid]) -> LoadProfile | None:
    """*profile* without the hosts that are *gone*."""
    if profile is None:
        return None
    return _hosts(profile, [row for row, host in enumerate(profile.hosts) if host not in gone], {})


def with_hosts(profile: LoadProfile | None, like: Mapping[Uuid, Uuid]) -> LoadProfile | None:
    """*profile* with new hosts, each of which uses itself what the one does that it is *like*."""
    if profile is None:
        return None
    known = {host: row for row, host in enumerate(profile.hosts)}
    models = {host: known[model] for host, model in like.items() if model in known}
    return _hosts(profile, list(range(len(profile.hosts))), models)


def _hosts(profile: LoadProfile, kept: list[int], new: Mapping[Uuid, int]) -> LoadProfile:
    """The rows that are *kept*, and *new* hosts with copies of rows; sorted by uuid."""
    names, rows = [*(profile.hosts[row] for row in kept), *new], [*kept, *new.values()]
    order = sorted(range(len(names)), key=names.__getitem__)
    picked = [rows[place] for place in order]
    staying, hours = profile.host_deviation_pcpu, profile.series
    there = {names[place] for place in order}
    gone = set(profile.hosts) - there
    copied = {
        host: profile.refused[profile.hosts[row]] for host, row in new.items() if profile.hosts[row] in profile.refused
    }
    return replace(
        profile,
        hosts=tuple(names[place] for place in order),
        host_base_pcpu=profile.host_base_pcpu[picked],
        host_deviation_pcpu=None if staying is None else staying[picked],
        series=hours and replace(hours, host_base_pcpu=hours.host_base_pcpu[picked]),
        refused={**{each: why for each, why in profile.refused.items() if each not in gone}, **copied},
        flows=tuple(flow for flow in profile.flows if flow.key.owner not in gone),
    )


def grown(profile: LoadProfile | None, vms: Collection[Uuid], factor: float) -> LoadProfile | None:
    """*profile* where *vms* want *factor* times as many pCPUs, in every slot and hour."""
    if profile is None:
        return None
    by = np.array([factor if vm in vms else 1.0 for vm in profile.vms])[:, None]
    peaks, hours = profile.vm_deviation_pcpu, profile.series
    return replace(
        profile,
        vm_pcpu=_times(profile.vm_pcpu, by),
        vm_deviation_pcpu=None if peaks is None else _times(peaks, by),
        series=hours and Series(vm_pcpu=_times(hours.vm_pcpu, by), host_base_pcpu=hours.host_base_pcpu),
        waited={vm: value * factor if vm in vms else value for vm, value in profile.waited.items()},
    )


def _times(known: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """*known* times *by*, in the digits that files keep; what does not grow stays as it is."""
    return np.where(by == 1.0, known, rounded_up(known * by))
