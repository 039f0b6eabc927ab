"""Runs that are killed at a request on the wire or a line of the journal: the next one always finishes the plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rebalancer.execute import resume
from rebalancer.execute.claim.fence import STEP
from rebalancer.execute.journal.entries import Entry
from rebalancer.execute.journal.journal import Journal
from rebalancer.simulator import Simulator
from rebalancer.xapi import Trust, live_pool
from rebalancer.xapi.wire.transport import SendOnce
from tests.execute.killing import Killed
from tests.execute.scripted import plan_of
from tests.execute.stage import KEYS, POOL, STEPS, Stage, some_moves
from tests.pools import policy_of

POINTS = range(5, 240, 23)
"""Where a run dies; a run has some 200 such points, and one that outlives them has no more to show."""


@pytest.fixture
def stage(tmp_path: Path, calls: list[str]) -> Iterator[Stage]:
    """Three moves, each of some hundredths of a second."""
    with Simulator(POOL, speed=200.0, login_delay=0.0) as simulator, live_pool(simulator.url, KEYS, Trust()) as live:
        pool = live.read()
        plan = plan_of(pool, *some_moves(pool), policy=policy_of(limits={"concurrent": 1}))
        yield Stage(simulator=simulator, live=live, plan=plan, folder=tmp_path, calls=calls)


def kill_at(point: int, patch: pytest.MonkeyPatch) -> None:
    """Let the process be dead from its *point*-th request, answer or line of the journal on."""
    seen = 0

    def die() -> None:
        nonlocal seen
        seen += 1
        if seen >= point:
            raise Killed

    ask, append = SendOnce._sent, Journal.append

    def request(self: SendOnce, path: str, body: bytes, kind: str) -> bytes:
        die()
        answer = ask(self, path, body, kind)
        die()
        return answer

    patch.setattr(SendOnce, "_sent", request)

    def write(self: Journal, entry: Entry) -> None:
        die()
        append(self, entry)
        die()

    patch.setattr(Journal, "append", write)


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_the_next_run_finishes_the_plan(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    """No step stays open, none is sent twice, and neither lock nor mark is left."""
    with monkeypatch.context() as patch, live_pool(stage.simulator.url, KEYS, Trust()) as live:
        kill_at(point, patch)
        stage.live, after = live, stage.live
        with suppress(Killed):
            stage.run()
        patch.undo()
    stage.live = after
    assert stage.run(resume).complete
    assert stage.arrived() == [True] * STEPS
    assert stage.migrations == STEPS
    assert [row["gui_config"] for _, row in stage.simulator.database.items("pool")] == [{}]
    assert [vm for _, vm in stage.simulator.database.items("VM") if STEP in vm["other_config"]] == []
