"""Recorded CPU of the shared traces on the VMs of generated pools, hour by hour.

Bitbrains (GWA-T-12, 50 VMs, 30 days), Azure (Public Dataset V1, 100 VMs, 27 days), PlanetLab (CoMon, as redistributed
with CloudSim, ten days of 2011, put one after another): a VM gets the series of one of them, drawn at random, times
its vCPUs; one factor for all lets the pool's busiest hour reach the share of its pCPUs that is asked for. VMs that
got one series are busy together, as those of one service are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from benchmarks.neutral import INSTANCES
from rebalancer.demand.recording import Recording
from rebalancer.demand.vcpus import vcpu_limit
from rebalancer.inventory import Pool, pool_from_records
from rebalancer.simulator import generate_pool

Floats = NDArray[np.float64]

TRACES = INSTANCES.parent / "traces"
START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday: traces tell no dates, or ones of long ago."""
HOURS = 24
BUSIEST, OWN_SHARE = 0.98, 0.03
"""Share of its vCPUs that a VM uses at most; share of a host's pCPUs that it uses for itself."""


def bitbrains() -> Floats:
    """Shares of what each VM used at most, shape (VMs, hours)."""
    mhz = np.load(TRACES / "bitbrains_small_hourly_mhz.npz")["mhz"].astype(np.float64)
    return _whole_days(mhz / np.maximum(mhz.max(axis=1, keepdims=True), 1e-9))


def azure() -> Floats:
    """Shares of the VMs' CPUs, shape (VMs, hours)."""
    shares = np.load(TRACES / "azure_v1_avg_100.npz")["cpu_pct_x100"] / 10_000.0
    whole = shares[:, : shares.shape[1] // 12 * 12]
    return _whole_days(whole.reshape(len(whole), -1, 12).mean(axis=2))


def planetlab() -> Floats:
    """Shares of the CPUs of those nodes that were recorded on all days, shape (nodes, hours)."""
    found = np.load(TRACES / "planetlab.npz")
    days = sorted(set(found["day"].tolist()))
    shares = found["cpu_pct"].reshape(-1, HOURS, 12).mean(axis=2) / 100.0
    of = {
        (name, day): row for name, day, row in zip(found["name"].tolist(), found["day"].tolist(), shares, strict=True)
    }
    names = sorted({name for name, _ in of})
    always = [name for name in names if all((name, day) in of for day in days)]
    return np.array([np.concatenate([of[name, day] for day in days]) for name in always])


SOURCES: dict[str, Callable[[], Floats]] = {"bitbrains": bitbrains, "azure": azure, "planetlab": planetlab}


def recorded_pool(source: str, *, hosts: int, vms: int, peak: float, seed: int) -> tuple[Pool, Recording]:
    """A generated pool, and the traces of *source* on its VMs; *peak* is the share of all pCPUs in the busiest hour."""
    pool = pool_from_records(generate_pool(hosts=hosts, vms=vms, seed=seed, hot=0.0, days=1).records)
    return pool, _recording(pool, SOURCES[source](), peak, source, np.random.default_rng((seed, 2)))


def _recording(pool: Pool, traces: Floats, peak: float, source: str, rng: np.random.Generator) -> Recording:
    guests, cpus = list(pool.resident_guests()), np.array([host.pcpus or 0 for host in pool.hosts.values()])
    shares = traces[rng.integers(len(traces), size=len(guests))]
    own = OWN_SHARE * cpus[:, None].repeat(traces.shape[1], axis=1)
    vcpus = np.array([vcpu_limit(vm) for vm in guests], dtype=np.float64)
    return Recording(
        vms=tuple(vm.uuid for vm in guests),
        hosts=tuple(pool.hosts),
        start=START,
        vm_pcpu=_scaled(shares, vcpus, peak * float(cpus.sum()) - float(own[:, 0].sum())),
        own_pcpu=own,
        source=f"{source}, pool peak {peak:.0%}",
    )


def _scaled(shares: Floats, vcpus: Floats, aim: float) -> Floats:
    """pCPUs, no VM above its vCPUs, that together reach *aim* in the busiest hour."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        above = (np.minimum(shares * middle, BUSIEST) * vcpus[:, None]).sum(axis=0).max() > aim
        low, high = (low, middle) if above else (middle, high)
    return np.asarray(np.round(np.minimum(shares * low, BUSIEST) * vcpus[:, None], 3))


def _whole_days(series: Floats) -> Floats:
    return series[:, : series.shape[1] // HOURS * HOURS]
