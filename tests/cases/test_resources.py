"""Plans that weigh other resources beside CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.demand.flows import FlowKind
from rebalancer.plan import FindingKind, sealed
from rebalancer.plan.load import ResourcePeak
from rebalancer.simulator import Simulator, demo_pool
from rebalancer.verify.verify import verify_plan
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
    own = rb.rebalance(rb.Model(state, policy_of(), state_dir=tmp_path), seconds=10)
    plan.save(tmp_path / "plan")
    read = rb.load(tmp_path / "plan")
    assert read.policy.objective.memory.weight == 0.5
    assert not rb.verify(plan, state)
    assert not rb.verify(read, replace(state, demand=None))
    fullest = [max(row.after.memory_used_bytes for row in each.hosts) for each in (plan, own)]
    assert fullest[0] < fullest[1]


BESIDE = {
    "network": {"weight": 200, "threshold": 0.001, "levels": []},
    "disk": {"weight": 0.5, "threshold": 0.005, "levels": [], "mb_per_second": 500},
}


def test_a_plan_that_weighs_throughput_is_proven_with_and_without_metrics(tmp_path: Path) -> None:
    """What a simulated pool sends and writes is read, and what a plan says of it comes out of the plan alone."""
    policy = policy_of(objective=BESIDE, demand={"resources": ["network", "disk"]})
    with Simulator(demo_pool(), login_delay=0.0) as running:
        state = rb.read(running.url, KEYS, demand=policy.demand)
    assert state.demand is not None
    assert {flow.key.kind for flow in state.demand.flows} == {*FlowKind}
    plan = rb.rebalance(rb.Model(state, policy, state_dir=tmp_path), seconds=10)
    assert plan.steps
    assert plan.load is not None
    assert {each.owner for each in plan.load.flows} >= {step.vm for step in plan.steps}
    plan.save(tmp_path / "plan")
    assert {each.resource for row in plan.hosts for each in row.after.resource_peaks} == {"network", "disk"}
    assert "## Resources beside CPU" in (tmp_path / "plan" / "plan.md").read_text()
    busier = replace(plan.hosts[0].after, resource_peaks=(ResourcePeak(resource="disk", share=9.0),))
    forged = sealed(replace(plan, hosts=(replace(plan.hosts[0], after=busier), *plan.hosts[1:])))
    assert {each.kind for each in verify_plan(forged, state.pool, now=forged.made_at)} == {FindingKind.CLAIM}
    assert not rb.verify(plan, state)
    assert not rb.verify(rb.load(tmp_path / "plan"), replace(state, demand=None))
    state.save(tmp_path / "pool.json.gz")
    assert rb.read(tmp_path / "pool.json.gz").demand == state.demand
    still = policy_of(objective=BESIDE, demand={"resources": ["network", "disk"]}, limits={"maximum_moves": 0})
    nothing = rb.rebalance(rb.Model(state, still, state_dir=tmp_path), seconds=1)
    assert (nothing.steps, nothing.hosts[0].before) == ((), plan.hosts[0].before)
    assert not rb.verify(nothing, replace(state, demand=None))
