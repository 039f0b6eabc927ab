"""Memory after a step, by what a served pool tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rebalancer.errors import StoppedHalfWay
from rebalancer.execute import read_journal
from rebalancer.execute.journal.entries import Noticed
from rebalancer.simulator import Simulator
from rebalancer.xapi import Trust, live_pool
from tests.execute.scripted import plan_of
from tests.execute.stage import KEYS, POOL, TIMEOUTS, Stage, some_moves
from tests.pools import policy_of

BRIEF = replace(TIMEOUTS, memory=0.3)


@pytest.fixture
def stage(tmp_path: Path, calls: list[str]) -> Iterator[Stage]:
    """The first of three VMs that move may be cut to half of its memory."""
    with Simulator(POOL, speed=50.0, login_delay=0.0) as simulator, live_pool(simulator.url, KEYS, Trust()) as live:
        moves = some_moves(live.read())
        ref = simulator.database.by_uuid("VM", moves[0][0])
        half = int(simulator.database.get("VM", ref)["memory_dynamic_max"]) // 2
        simulator.database.change("VM", ref, memory_dynamic_min=str(half))
        policy = policy_of(squeeze={"unknown_use": "allow"}, execution={"stop_after_failures": 1})
        plan = plan_of(live.read(), *moves, policy=policy)
        yield Stage(simulator=simulator, live=live, plan=plan, folder=tmp_path, calls=calls)


def test_a_guest_that_has_its_memory_back_is_not_told(stage: Stage) -> None:
    """Its new host gave it all."""
    result = stage.run(timeouts=BRIEF)
    assert (result.complete, result.noticed) == (True, ())


def test_a_guest_that_stays_squeezed_is_told(stage: Stage) -> None:
    """All steps are done, one VM is named, and no call but the migrations was sent."""
    squeezed = stage.plan.steps[0]
    stage.simulator.faults.add("stays-squeezed", vm=squeezed.vm)
    result = stage.run(timeouts=BRIEF)
    assert result.complete
    (words,) = result.noticed
    assert words.startswith(f"{squeezed.id} {squeezed.vm_name}: the migration squeezed it, and ")
    assert not [call for call in stage.calls if call.startswith("VM.set_memory")]


def test_a_guest_whose_migration_fails_is_told(stage: Stage) -> None:
    """Cut for a migration that failed, it runs where it was with half of its memory."""
    stage.simulator.faults.add("move-fails", vm=stage.plan.steps[0].vm, at=0.5)
    with pytest.raises(StoppedHalfWay):
        stage.run(timeouts=BRIEF)
    (noticed,) = [entry for entry in read_journal(stage.journal) if isinstance(entry, Noticed)]
    assert noticed.step == stage.plan.steps[0].id
