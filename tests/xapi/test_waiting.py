"""A simulated host whose VMs want more than it has: what is measured of them, and what the profile makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from rebalancer.demand import LoadProfile
from rebalancer.demand.waiting import WAITING
from rebalancer.inventory import Pool
from rebalancer.policy import DemandPolicy
from rebalancer.simulator import SimulatedPool, Simulator, generate_pool
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool

ROOT = Credentials(user="root", password="simulator")
HOURS = DemandPolicy(window_days=1, percentile=100.0, minimum_coverage=0.5)
"""Each slot is one hour of the last day."""
NOW = 1_795_000_000 // 3600 * 3600 + 600.0
ROUNDED = 1e-4
"""How far each hour may be rounded up."""


def wanted_at_once(factor: float) -> SimulatedPool:
    """A generated pool in which every VM wants *factor* times as much, up to its vCPUs."""
    pool = generate_pool(hosts=3, vms=30, seed=5, cpus=16)
    vcpus = {vm["uuid"]: int(vm["VCPUs_max"]) for vm in pool.records["VM"].values()}
    load = {
        uuid: [min(factor * (each or 0.0), 0.98 * vcpus[uuid]) for each in series] for uuid, series in pool.load.items()
    }
    return replace(pool, load=load)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Hosts of 16 pCPUs of which VMs want up to twice as many."""
    with Simulator(wanted_at_once(2.0), now=NOW) as running:
        yield running


def measured(simulator: Simulator, settings: DemandPolicy = HOURS) -> tuple[Pool, LoadProfile]:
    """The pool and its profile."""
    with connect(simulator.url, ROOT, Trust()) as session:
        pool = read_pool(session)
        return pool, measure(session, pool, settings)


def record_waiting(simulator: Simulator) -> None:
    """What an operator does once, for every VM."""
    for uuid in [vm["uuid"] for _, vm in simulator.database.items("VM")]:
        for source in WAITING:
            simulator.world.recorded[uuid, source] = True


def hours(profile: LoadProfile) -> tuple[np.ndarray, np.ndarray]:
    """The slots of which an hour was measured, all but that of the window's first, and where those hours end."""
    begin = int(profile.window_start.timestamp()) // 3600
    return (begin + np.arange(1, 24)) % 24, (begin + np.arange(2, 25)) * 3600


def wanted(simulator: Simulator, profile: LoadProfile) -> np.ndarray:
    """pCPUs that the VMs really want in these hours, shape (VMs, hours)."""
    return np.array([simulator.world.load.vm(vm, hours(profile)[1], 3600) for vm in profile.vms])


def test_what_is_used_understates_what_is_wanted(simulator: Simulator) -> None:
    """Without records of waiting a busy host shows what it has; with them each VM shows what it wants, within 5 %."""
    pool, used = measured(simulator)
    slots, true = hours(used)[0], wanted(simulator, used)
    on_host = {
        host: [row for row, vm in enumerate(used.vms) if pool.vms[vm].resident_on == host] for host in pool.hosts
    }
    base = dict(zip(used.hosts, used.host_base_pcpu[:, slots], strict=True))
    assert max((true[rows].sum(axis=0) + base[host]).max() for host, rows in on_host.items()) > 20.0
    for host, rows in on_host.items():
        assert (used.vm_pcpu[rows][:, slots].sum(axis=0) + base[host]).max() <= 16.0 + ROUNDED * (len(rows) + 1)
    record_waiting(simulator)
    _, corrected = measured(simulator)
    assert corrected.vm_pcpu[:, slots] == pytest.approx(true, rel=0.05, abs=0.02)
    assert used.vm_pcpu[:, slots].sum() < 0.95 * true.sum()
    assert corrected.waited.keys() == set(corrected.vms)
    assert corrected.host_base_pcpu == pytest.approx(used.host_base_pcpu)


def test_nobody_turns_them_on(simulator: Simulator) -> None:
    """Reading a pool records nothing: what is on stays as the operator left it."""
    _, profile = measured(simulator)
    assert (simulator.world.recorded, profile.waited) == ({}, {})
