"""Disk throughput: what VMs read and write, of what the policy says that a host can."""

from __future__ import annotations

import numpy as np

from rebalancer.demand import LoadProfile
from rebalancer.demand.flows import FlowKind
from rebalancer.inventory import Pool
from rebalancer.policy import DiskPolicy
from rebalancer.resources.load import ResourceLoad, rates_of


def disk_load(pool: Pool, profile: LoadProfile, policy: DiskPolicy) -> ResourceLoad:
    """MB/s of VMs by slot; what hosts read and write for themselves counts 0."""
    rates, none = rates_of(profile, FlowKind.DISK), np.zeros(profile.slots)
    return ResourceLoad(
        id="disk",
        unit="MB/s",
        policy=policy,
        vm=np.array([rates.get((vm, ""), none) for vm in profile.vms]).reshape(-1, profile.slots),
        base=np.array([rates.get((host, ""), none) for host in pool.hosts]),
        capacity=np.full((len(pool.hosts), profile.slots), policy.mb_per_second or np.inf),
        hours=profile.hours,
    )
