"""What happens to a pool between the review of a plan and its window: labels change, backups run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import rebalancer as rb
from tests.cases.served import WAY, served, state_in

NOW = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
RENAMED = "025-vm-renamed-after-planning"


@pytest.fixture
def case(shared_data: Callable[[str], Path]) -> Callable[[str, str], Path]:
    """A file of a reported case."""
    return lambda name, file: shared_data(f"cases/reports/{name}/{file}")


def planned(file: Path) -> rb.Proposal:
    """The plan for the pool in *file* under the default policy, solved in little time."""
    policy = rb.Policy.model_validate({"limits": {"solve_seconds": 5.0}})
    return rb.rebalance(rb.Model(state_in(file), policy))


def test_renamed_vms_void_no_plan(case: Callable[[str, str], Path], tmp_path: Path) -> None:
    """Case 025: four VMs that move have other labels by now; the plan is accepted, told about and carried out."""
    plan = planned(case(RENAMED, "before.json.gz"))
    with served(case(RENAMED, "after.json.gz")) as simulator:
        now = rb.read(simulator.url, WAY, metrics=False)
        renamed = [step.vm_name for step in plan.steps if now.pool.vms[step.vm].name != step.vm_name]
        assert renamed
        assert rb.verify(plan, now) == ()
        words = {f"VM {name} is now called renamed {name}" for name in renamed}
        assert words <= {each.words for each in rb.diff(plan, now)}
        assert {each.kind for each in rb.diff(plan, now)} == {"name"}
        with rb.connect(simulator.url, WAY) as live:
            run = rb.apply(plan, live, state_dir=tmp_path)
        assert run.complete
        assert words <= set(run.differences)
