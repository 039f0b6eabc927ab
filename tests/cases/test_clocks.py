"""Reported: hosts whose clocks are off, and clocks that are written in another form of ISO 8601."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import rebalancer as rb
from rebalancer.simulator import Simulator, load_pool
from rebalancer.simulator.calls import host
from tests.pools import policy_of

ROOT = rb.Credentials(user="root", password="simulator")
SHARED = Callable[[str], Path]


def test_a_host_seven_hours_ahead(shared_data: SHARED, tmp_path: Path) -> None:
    """Its metrics come back by seven hours, the plan is that of right clocks, and all that is written says so."""
    pool = load_pool(shared_data("cases/reports/006-host-clock-7h-ahead/pool.json.gz"))
    with Simulator(pool) as simulator:
        right = rb.read(simulator.url, ROOT, demand=policy_of().demand)
        ash = next(each for each in right.pool.hosts.values() if each.name == "ash")
        simulator.faults.add("clock-skew", host=ash.uuid, seconds=7 * 3600, times=-1)
        ahead = rb.read(simulator.url, ROOT, demand=policy_of().demand)
    assert right.demand is not None
    assert ahead.demand is not None
    assert np.allclose(ahead.demand.vm_pcpu, right.demand.vm_pcpu)
    batch = next(vm.uuid for vm in right.pool.vms.values() if vm.name == "batch-003")
    assert ahead.demand.vm_pcpu[ahead.demand.vms.index(batch)].argmax() in {0, 1}
    ahead.save(tmp_path / "pool.json")
    plan = rb.rebalance(rb.Model(rb.read(tmp_path / "pool.json"), policy_of()))
    same = rb.rebalance(rb.Model(right, policy_of()))
    assert {(step.vm, step.target) for step in plan.steps} == {(step.vm, step.target) for step in same.steps}
    assert plan.steps
    said = "the clock of host ash is 7.0 h ahead of most clocks: its metrics were moved back by as much"
    assert said in plan.warnings
    plan.save(tmp_path / "plan")
    assert said in (tmp_path / "plan" / "plan.md").read_text()
    assert not rb.verify(rb.load(tmp_path / "plan"), ahead)


def test_clocks_with_dashes_and_fractions(shared_data: SHARED, monkeypatch: pytest.MonkeyPatch) -> None:
    """`2026-11-28T12:00:00.000Z` is read as `20261128T12:00:00Z` is."""
    monkeypatch.setattr(host, "stamp", lambda now: f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S}.000Z")
    pool = load_pool(shared_data("cases/reports/008-servertime-with-dashes-and-milliseconds/pool.json.gz"))
    with Simulator(pool) as simulator:
        state = rb.read(simulator.url, ROOT)
    assert state.refused is None
    assert state.demand is not None
    assert state.demand.clocks is None
