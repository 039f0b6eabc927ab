"""Runs that are killed at every point, several migrations being on their way."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from rebalancer.execute import execute, resume
from rebalancer.execute.claim.fence import STEP
from rebalancer.inventory import Pool, Uuid
from rebalancer.plan import Plan
from tests.execute.case import Case
from tests.execute.killing import Killed, kill_at
from tests.execute.watchful import WatchfulPool, wide_plan, wide_pool


@pytest.fixture
def pool() -> Pool:
    """VMs a to d on three of six hosts."""
    return wide_pool()


def points(tmp_path: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many points a run has at which it can die."""
    live = WatchfulPool(pool)
    with monkeypatch.context() as patch:
        seen = kill_at(0, live, patch)
        execute(wide_plan(pool), live, Case(tmp_path / "whole").options)
    return seen[0]


def test_killed_at_any_point_it_is_taken_up_and_nothing_is_sent_twice(
    tmp_path: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill at each call and each line of the journal resume ends the plan, and no mark is left."""
    plan = wide_plan(pool)
    for point in range(1, points(tmp_path, pool, monkeypatch) + 1):
        live, case = WatchfulPool(pool), Case(tmp_path / str(point))
        with monkeypatch.context() as patch:
            kill_at(point, live, patch)
            with pytest.raises(Killed):
                execute(plan, live, case.options)
        live.before_each = lambda _call: None
        live.unwatched = True
        assert resume(plan, live, case.options).complete
        assert max(Counter(live.sent).values(), default=0) <= 1
        assert arrived(plan, live) >= {vm for vm, _ in live.sent}
        assert live.marks.keys == {}
        assert [vm.uuid for vm in live.pool.vms.values() if STEP in vm.other_config] == []


def arrived(plan: Plan, live: WatchfulPool) -> set[Uuid]:
    """The VMs that are on their targets."""
    return {step.vm for step in plan.steps if live.pool.vms[step.vm].resident_on == step.target}
