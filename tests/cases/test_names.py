"""Pools in which things share a name: everything that is said of one tells it from the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.errors import InputError, PolicyError
from rebalancer.export import xe_script
from rebalancer.simulator import Simulator, load_pool

SHARED = "Ubuntu Focal Fossa 20.04"
KEYS = rb.Credentials(user="root", password="simulated")
ALONE = re.compile(rf"{re.escape(SHARED)}(?! \([0-9a-f]{{8}}\))|xcp-ng-1(?! \([0-9a-f]{{8}}\))")
"""A name that several share, without the start of a uuid behind it."""


def test_nothing_is_said_by_a_shared_name_alone(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """In check, in reasons and tables of a plan, in run.sh and moves.csv, and in what an evacuation says."""
    pool = load_pool(shared_data("cases/reports/017-same-names-cannot-be-told-apart/pool.json.gz"))
    with Simulator(pool, user="root", password="simulated", login_delay=0.0) as running:
        state = rb.read(running.url, KEYS)
    model = rb.Model(state, state_dir=tmp_path)
    plan = rb.rebalance(model, seconds=5)
    plan.save(tmp_path / "plan")
    texts = [(tmp_path / "plan" / name).read_text() for name in ("plan.md", "moves.csv", "run.sh")]
    report = rb.check(model).report
    held = [*(each for row in report.held for each in (*row.vms, *row.remedies)), *(row.host for row in report.hosts)]
    host = next(host.uuid for host in state.pool.hosts.values() if host.name == "xcp-ng-1")
    blocked = [f"{each.vm_name} {each.host_name} {each.sentence}" for each in rb.evacuate(model, [host]).blocked]
    frames = [*plan.frame()["vm"], *rb.check(model).frame().index, *rb.check(model).frame().columns]
    assert plan.steps
    moved = {step.vm for step in (*plan.steps, *plan.rollback)}
    assert xe_script(plan).count(SHARED) == len(plan.steps) + len(plan.rollback) + len(moved)
    for text in (*texts, *held, *blocked, *frames, *(step.why for step in plan.steps)):
        assert not ALONE.search(text), text


def test_an_ambiguous_name_is_told_briefly(shared_data: Callable[[str], Path]) -> None:
    """A few uuids, and how many others there are."""
    pool = load_pool(shared_data("cases/reports/017-same-names-cannot-be-told-apart/pool.json.gz"))
    with Simulator(pool, user="root", password="simulated", login_delay=0.0) as running:
        model = rb.Model(rb.read(running.url, KEYS, metrics=False))
    with pytest.raises(InputError, match=r"45 VMs have this name. Use one of the uuids .* and 42 others\.") as refused:
        model.vm(SHARED)
    assert len(str(refused.value)) < 250
    (vm,) = [vm for vm in model.state.pool.guests() if vm.uuid.startswith("1b3bb890")]
    assert model.vm(f"{SHARED} (1b3bb890)") == model.vm("1b3bb890") == vm
    with pytest.raises(PolicyError, match=r"45 VMs are named .* and 42 others\. Write the uuid instead") as wrong:
        rb.Model(model.state, rb.Policy.model_validate({"never_move": [SHARED]}))
    assert len(str(wrong.value)) < 300
