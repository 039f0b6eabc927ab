"""Reported: a live migration shrank a VM to its dynamic minimum, and its database died of it; no plan had said so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.face.read import PoolState
from rebalancer.inventory import VM
from rebalancer.policy import SqueezePolicy, Squeezing
from rebalancer.simulator import Simulator, load_pool
from rebalancer.units import GIB, MIB

ROOT = rb.Credentials(user="root", password="simulator")
ALLOWED = SqueezePolicy(below_use=Squeezing.ALLOW)


@pytest.fixture(scope="module")
def state(shared_data: Callable[[str], Path]) -> PoolState:
    """The pool, where file-025 has 512 MiB to 4 GiB, holds 4 GiB and says how much of it is free."""
    with Simulator(
        load_pool(shared_data("cases/reports/010-dynamic-memory-squeezed-unsaid/pool.json.gz"))
    ) as simulator:
        return rb.read(simulator.url, ROOT)


def file_025(state: PoolState) -> VM:
    """The VM that the report is about."""
    return next(vm for vm in state.pool.guests() if vm.name == "file-025")


def test_by_default_it_stays(state: PoolState) -> None:
    """It uses 70 % of 4 GiB; the others relieve its host as well."""
    plan = rb.rebalance(rb.Model(state))
    assert file_025(state).uuid not in {step.vm for step in plan.steps}
    assert plan.steps


def test_where_it_may_move_every_page_says_what_happens(state: PoolState, tmp_path: Path) -> None:
    """From 4 GiB to 512 MiB: in plan.md, in plan.json, and on the way back as well; and the plan is proven."""
    away = [host.name for host in state.pool.hosts.values() if host.uuid != file_025(state).resident_on]
    wish = {"name": "elsewhere", "vms": ["file-025"], "hosts": away}
    plan = rb.rebalance(rb.Model(state, rb.Policy(squeeze=ALLOWED, mode="repair", run_on=[wish])))
    plan.save(tmp_path / "plan")
    written = json.loads((tmp_path / "plan" / "plan.json").read_text())
    for steps in (written["steps"], written["rollback"]):
        (mine,) = [step for step in steps if step["vm_name"] == "file-025"]
        assert mine["squeeze"] == {"from_bytes": 4 * GIB, "to_bytes": 512 * MIB}
        assert all("squeeze" not in step for step in steps if step is not mine)
    page = (tmp_path / "plan" / "plan.md").read_text()
    assert "| 4.0 GiB, squeezed to 512 MiB |" in page
    assert "Squeezed to the dynamic minimum while it migrates, whatever the guest uses: file-025" in page
    assert rb.verify(rb.load(tmp_path / "plan"), state) == ()
    assert rb.verify(rb.load(tmp_path / "plan"), replace(state, demand=None)) == ()


def test_an_evacuation_names_it_with_the_fix(state: PoolState) -> None:
    """Nothing is planned, and the way out is to raise its minimum or to set the key."""
    ash = state.pool.hosts[file_025(state).resident_on or ""]
    blocked = {each.vm_name: each for each in rb.evacuate(rb.Model(state), [ash.name]).blocked}
    assert blocked["file-025"].rule == "not-squeezed"
    assert blocked["file-025"].fix == "raise its dynamic minimum to 2868 MiB, or set squeeze.below_use in the policy"
