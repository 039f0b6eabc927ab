"""Pools with a host that is sick or says too little: the rest is planned, and it is held as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.simulator import Simulator, demo_pool, load_pool
from rebalancer.simulator.state.pool import SimulatedPool

KEYS = rb.Credentials(user="root", password="simulator")
DEAD = "001-dead-host-running-vms"
MUTE = "032-host-without-cpu-count-is-emptied"


def seen(pool: SimulatedPool) -> rb.PoolState:
    """The pool as it is read over the wire, with its metrics."""
    with Simulator(pool, login_delay=0.0) as running:
        return rb.read(running.url, KEYS)


def planned(state: rb.PoolState, tmp_path: Path) -> rb.Proposal:
    """The plan of an ordinary night, verified."""
    plan = rb.rebalance(rb.Model(state, state_dir=tmp_path), seconds=10)
    assert not rb.verify(plan, state)
    return plan


@pytest.mark.parametrize(
    ("case", "words"),
    [(DEAD, "is not live, and VMs still count as running on it"), (MUTE, "does not say how many CPUs it has")],
)
def test_a_sick_host_keeps_its_vms_and_the_others_are_balanced(
    shared_data: Callable[[str], Path], tmp_path: Path, case: str, words: str
) -> None:
    """Of five hosts one is dead or mute: it gives and takes nobody, is named, and nobody is over the threshold."""
    state = seen(load_pool(shared_data(f"cases/reports/{case}/pool.json.gz")))
    plan = planned(state, tmp_path)
    aspen = next(row for row in plan.hosts if row.name == "aspen")
    assert [(each.name, each.guests, each.words) for each in plan.held] == [("aspen", 8, words)]
    assert len(aspen.before.vms) == 8
    assert aspen.before == aspen.after
    assert aspen.after.peak_share is None
    assert plan.summary.endswith("2 before, 0 after. Held as it is: host aspen with 8 VMs.")
    assert len(plan.steps) == 6
    assert all("aspen" not in {step.source_name, step.target_name} for step in plan.steps)


def test_a_host_without_metrics_is_held_and_named(tmp_path: Path) -> None:
    """One host of five answers no question for metrics: the plan is for the other four."""
    with Simulator(demo_pool(), login_delay=0.0) as running:
        host = next(uuid for uuid, row in running.database.all("host").items() if row["name_label"] == "aspen")
        running.faults.add("rrd-error", host=running.database.all("host")[host]["uuid"], times=-1)
        state = rb.read(running.url, KEYS)
    plan = planned(state, tmp_path)
    (held,) = plan.held
    assert (held.name, held.words) == ("aspen", "has no metrics that can be used: it answers HTTP 500")
    assert all("aspen" not in {step.source_name, step.target_name} for step in plan.steps)
    assert plan.steps
