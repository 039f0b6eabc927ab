"""Plans that weigh other resources beside CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.simulator import Simulator, demo_pool
from tests.pools import policy_of

KEYS = rb.Credentials(user="root", password="simulator")
MEMORY = {"weight": 0.5, "threshold": 0.5, "levels": [[0.6, 3]]}


@pytest.fixture(scope="module")
def state() -> rb.PoolState:
    """The demo pool as it is read over the wire."""
    with Simulator(demo_pool(), login_delay=0.0) as running:
        return rb.read(running.url, KEYS)


def test_a_plan_that_weighs_memory_is_proven_with_and_without_metrics(state: rb.PoolState, tmp_path: Path) -> None:
    """What it says of load cost comes out again from the plan alone, and memory is the more even for it."""
    policy = policy_of(objective={"memory": MEMORY})
    plan = rb.rebalance(rb.Model(state, policy, state_dir=tmp_path), seconds=10)
    own = rb.rebalance(rb.Model(state, state_dir=tmp_path), seconds=10)
    plan.save(tmp_path / "plan")
    read = rb.load(tmp_path / "plan")
    assert read.policy.objective.memory.weight == 0.5
    assert not rb.verify(plan, state)
    assert not rb.verify(read, replace(state, demand=None))
    fullest = [max(row.after.memory_used_bytes for row in each.hosts) for each in (plan, own)]
    assert fullest[0] < fullest[1]
