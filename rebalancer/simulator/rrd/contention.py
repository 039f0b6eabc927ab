"""Hosts whose VMs want more than they have: how they share its pCPUs, and how long vCPUs wait for one."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rebalancer.simulator.rrd.archives import Archive
from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.world import World

Array = NDArray[np.float64]
JITTER = 0.08
ROUNDING = 1e-9
"""Share of its pCPUs by which a host whose load was made to fit may seem to be over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of an answer: the archive that they are of, and the end of each.

    Args:
        world: the pool.
        archive: their archive.
        ends: seconds since the epoch, by a clock that is right.
    """

    world: World
    archive: Archive
    ends: NDArray[np.int64]
    _wanted: dict[str, Array] = field(default_factory=dict)

    def wanted(self, vm: Record) -> Array:
        """pCPUs that a VM wants, or a host's dom0 and Xen; archives finer than the load waver around it."""
        load = self.world.load
        if vm["is_control_domain"]:
            return load.base(self.world.uuid("host", vm["resident_on"]), self.ends, self.archive.step)
        wanted = load.vm(vm["uuid"], self.ends, self.archive.step)
        if self.archive.step >= load.step:
            return wanted
        beat = (self.ends // self.archive.step * 2654435761 + zlib.crc32(vm["uuid"].encode())) % 1000
        return wanted * (1.0 + JITTER * (beat / 500.0 - 1.0))

    def wanted_on(self, host: str) -> Array:
        """pCPUs that a host and all VMs that were on it at the time want together."""
        if host not in self._wanted:
            load = self.world.load
            wanted = load.base(self.world.uuid("host", host), self.ends, self.archive.step)
            guests = {vm["uuid"]: vm for _, vm in self.world.database.items("VM") if not vm["is_control_domain"]}
            for visitor in load.visitors(host):
                if visitor in guests and (share := load.presence(visitor, host, self.ends)).any():
                    wanted = wanted + np.nan_to_num(self.wanted(guests[visitor])) * share
            self._wanted[host] = wanted
        return self._wanted[host]

    def granted(self, vm: Record) -> Array:
        """The share that a VM got of what it wanted: 1, or what dom0 leaves of its host, the same for all VMs there."""
        share = np.ones(len(self.ends))
        if vm["is_control_domain"]:
            return share
        for host in self.world.load.visited(vm["uuid"]):
            if self.world.database.find("host", host) is not None:
                there = self.world.load.presence(vm["uuid"], host, self.ends) > 0
                share = np.where(there, self._granted_on(host), share)
        return share

    def _granted_on(self, host: str) -> Array:
        pcpus = len(self.world.database.get("host", host)["host_CPUs"]) or np.inf
        wanted, base = (
            self.wanted_on(host),
            self.world.load.base(self.world.uuid("host", host), self.ends, self.archive.step),
        )
        left = np.maximum(pcpus - base, 0.0)
        return np.where(wanted <= pcpus * (1 + ROUNDING), 1.0, left / np.maximum(wanted - base, ROUNDING))


def run_states(running: Array, waiting: Array, vcpus: int) -> dict[str, Array]:
    """How a domain spends its time, together 1: each of its vCPUs runs and waits by itself, for so much of the time.

    Args:
        running: share of its time in which a vCPU runs.
        waiting: share in which it waits for a pCPU.
        vcpus: how many vCPUs it has.
    """
    blocked = np.maximum(1.0 - running - waiting, 0.0)
    run, wait, sleep = running**vcpus, waiting**vcpus, blocked**vcpus
    no_wait, no_run = (running + blocked) ** vcpus, (waiting + blocked) ** vcpus
    states = {
        "fullrun": run,
        "full_contention": wait,
        "concurrency_hazard": 1.0 - no_wait - no_run + sleep,
        "blocked": sleep,
        "partial_run": no_wait - run - sleep,
        "partial_contention": no_run - wait - sleep,
    }
    # Differences of what is nearly the same may come out a hair below 0.
    named = {f"runstate_{name}": np.clip(share, 0.0, 1.0) for name, share in states.items()}
    return named | {"runnable_any": np.clip(1.0 - no_wait, 0.0, 1.0)}
