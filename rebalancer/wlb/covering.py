"""A load profile for a pool that has changed since it was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile, Quality
from rebalancer.inventory import VM, Pool


def covers(profile: LoadProfile, pool: Pool) -> bool:
    """Whether *profile* knows every host and every guest that runs in *pool*."""
    return _knows_hosts(profile, pool) and not _new(profile, pool)


def covering(profile: LoadProfile, pool: Pool) -> LoadProfile | None:
    """*profile* with guests that have started since, until they are measured; None where there is a new host.

    They count as unknown, so that plans leave them where they are, with what the measured ones need for each vCPU.
    """
    if not _knows_hosts(profile, pool):
        return None
    if not (new := _new(profile, pool)):
        return profile
    vcpus = sum(pool.vms[vm].vcpus_max for vm in profile.vms if vm in pool.vms)
    shares = np.array([vm.vcpus_max / max(1, vcpus) for vm in new])
    rows: NDArray[np.float64] = np.outer(shares, profile.vm_pcpu.sum(axis=0))
    peaks = profile.vm_deviation_pcpu
    return replace(
        profile,
        vms=(*profile.vms, *(vm.uuid for vm in new)),
        vm_pcpu=np.vstack([profile.vm_pcpu, rows]),
        quality={**profile.quality, **{vm.uuid: Quality.UNKNOWN for vm in new}},
        vm_deviation_pcpu=None if peaks is None else np.vstack([peaks, np.zeros_like(rows)]),
        series=None,
    )


def _knows_hosts(profile: LoadProfile, pool: Pool) -> bool:
    return pool.hosts.keys() <= set(profile.hosts)


def _new(profile: LoadProfile, pool: Pool) -> list[VM]:
    known = set(profile.vms)
    return [vm for vm in pool.resident_guests() if vm.uuid not in known]
