"""Demand in pCPUs of one speed, whatever the speed of the host is that it was measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand.profile import LoadProfile, Series
from rebalancer.inventory import Pool, Uuid


def at_speed(profile: LoadProfile, pool: Pool, mhz: float | None) -> LoadProfile:
    """*profile* in pCPUs of *mhz*; of the host that each VM is on where None.

    What uses one pCPU of 2,100 MHz uses 0.7 of 3,000 MHz. A host that does not say its speed counts as if it had *mhz*:
    it is held, and so are its VMs.

    Args:
        profile: demand as it was measured, or brought to a speed before.
        pool: where the VMs were when it was measured.
        mhz: speed of the pCPUs that the result counts.
    """
    if profile.reference_mhz == mhz:
        return profile
    homes = [pool.vms[vm].resident_on if vm in pool.vms else None for vm in profile.vms]
    vms, hosts = (_factors(uuids, pool, profile.reference_mhz, mhz) for uuids in (homes, profile.hosts))
    peaks, staying, hours = profile.vm_deviation_pcpu, profile.host_deviation_pcpu, profile.series
    return replace(
        profile,
        vm_pcpu=profile.vm_pcpu * vms[:, None],
        host_base_pcpu=profile.host_base_pcpu * hosts[:, None],
        vm_deviation_pcpu=None if peaks is None else peaks * vms[:, None],
        host_deviation_pcpu=None if staying is None else staying * hosts[:, None, None],
        series=hours
        and Series(vm_pcpu=hours.vm_pcpu * vms[:, None], host_base_pcpu=hours.host_base_pcpu * hosts[:, None]),
        reference_mhz=mhz,
    )


def _factors(hosts: Sequence[Uuid | None], pool: Pool, now: float | None, then: float | None) -> NDArray[np.float64]:
    """What a pCPU of each host counts, from pCPUs of one speed to those of another, its own where None."""
    own = [each.mhz if (each := pool.hosts.get(host or "")) else None for host in hosts]
    return np.array([1.0 if mhz is None else (now or mhz) / (then or mhz) for mhz in own], dtype=np.float64)
