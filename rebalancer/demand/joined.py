"""The load profiles of several pools as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from rebalancer.clocks import joined_clocks
from rebalancer.demand.flows import renamed
from rebalancer.demand.profile import LoadProfile, Series
from rebalancer.errors import InputError
from rebalancer.inventory import Pool, xapi_uuid

FAR_APART = timedelta(hours=48)
"""Windows that end further apart than this tell of different times."""
ONE_HOUR = timedelta(hours=1)
"""So far apart recorded days may be: the hours of one pool count beside those of the other."""


def join_profiles(*profiles: LoadProfile) -> LoadProfile:
    """*profiles*, whose VMs and hosts do not meet, as one: VMs and hosts sorted, the window that spans all windows.

    Peaks of VMs that count with their hosts are of plans alone, and not joined.

    Raises:
        InputError: their slots do not mean the same, or they were measured at different times.
    """
    first = profiles[0]
    if len(profiles) == 1:
        return first
    _refuse_unlike(profiles)
    vms, hosts = (tuple(uuid for each in profiles for uuid in getattr(each, name)) for name in ("vms", "hosts"))
    by_vm, by_host = (sorted(range(len(uuids)), key=uuids.__getitem__) for uuids in (vms, hosts))
    peaks = [each.vm_deviation_pcpu for each in profiles if each.vm_deviation_pcpu is not None]
    return LoadProfile(
        vms=tuple(sorted(vms)),
        hosts=tuple(sorted(hosts)),
        vm_pcpu=np.concatenate([each.vm_pcpu for each in profiles])[by_vm],
        host_base_pcpu=np.concatenate([each.host_base_pcpu for each in profiles])[by_host],
        slot_hours=first.slot_hours,
        quality={uuid: quality for each in profiles for uuid, quality in each.quality.items()},
        percentile=first.percentile,
        days=first.days,
        series=_joined_series(profiles, by_vm, by_host),
        window_start=min(each.window_start for each in profiles),
        window_end=max(each.window_end for each in profiles),
        timezone=first.timezone,
        source=" + ".join(dict.fromkeys(each.source for each in profiles)),
        vm_deviation_pcpu=np.concatenate(peaks)[by_vm] if peaks else None,
        clocks=joined_clocks(*(each.clocks for each in profiles)),
        refused={uuid: reason for each in profiles for uuid, reason in each.refused.items()},
        memory_used={uuid: used for each in profiles for uuid, used in each.memory_used.items()},
        reference_mhz=first.reference_mhz,
        resources=first.resources,
        flows=tuple(sorted((flow for each in profiles for flow in each.flows), key=lambda flow: flow.key)),
        waited={uuid: pcpu for each in profiles for uuid, pcpu in each.waited.items()},
    )


def as_named_in(profile: LoadProfile, member: Pool) -> LoadProfile:
    """*profile* with the names that VMs of *member* have beside other pools."""
    names = {xapi_uuid(vm): vm for vm in member.vms}
    return replace(
        profile,
        vms=tuple(names.get(vm, vm) for vm in profile.vms),
        quality={names.get(uuid, uuid): quality for uuid, quality in profile.quality.items()},
        refused={names.get(uuid, uuid): reason for uuid, reason in profile.refused.items()},
        memory_used={names.get(uuid, uuid): used for uuid, used in profile.memory_used.items()},
        waited={names.get(uuid, uuid): pcpu for uuid, pcpu in profile.waited.items()},
        flows=renamed(profile.flows, names),
    )


def _refuse_unlike(profiles: Sequence[LoadProfile]) -> None:
    first = profiles[0]
    for other in profiles[1:]:
        for name, one, two in (
            ("slots", first.slots, other.slots),
            ("percentile", first.percentile, other.percentile),
            ("recorded days", _ages(first), _ages(other)),
            ("time zone", first.timezone, other.timezone),
            ("resources", first.resources, other.resources),
            ("speeds", first.reference_mhz, other.reference_mhz),
            ("peaks", first.vm_deviation_pcpu is None, other.vm_deviation_pcpu is None),
        ):
            if one != two:
                raise _unlike(f"{name} differ: {one} and {two}")
        if abs(first.window_end - other.window_end) > (ONE_HOUR if first.days else FAR_APART):
            form = "%Y-%m-%d %H:%M" if first.days else "%Y-%m-%d"
            raise _unlike(f"they were measured until {first.window_end:{form}} and {other.window_end:{form}}")


def _joined_series(profiles: Sequence[LoadProfile], by_vm: list[int], by_host: list[int]) -> Series | None:
    """The hours of all, in the order of the joined rows; None where some have none, or of another window."""
    parts = [each.series for each in profiles if each.series is not None]
    windows = {(each.window_start, each.window_end) for each in profiles}
    if len(parts) < len(profiles) or len(windows) > 1:
        return None
    return Series(
        vm_pcpu=np.concatenate([each.vm_pcpu for each in parts])[by_vm],
        host_base_pcpu=np.concatenate([each.host_base_pcpu for each in parts])[by_host],
    )


def _ages(profile: LoadProfile) -> list[tuple[int, int]]:
    """How many days before the window's end each recorded day begins, and what it weighs."""
    return [((profile.window_end - day.start).days, day.weight) for day in profile.days]


def _unlike(problem: str) -> InputError:
    return InputError("metrics of the pools", problem, "Measure both with one policy, at about the same time")
