"""A simulated pool with hot hosts, and a terminal that knows its password."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rebalancer.execute import Clock
from rebalancer.export import write_plan
from rebalancer.planner.rebalance import rebalance
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.snapshot import Snapshot, write_snapshot
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool
from tests.cli.door import Door
from tests.cli.terminal import PASSWORD, USER, Served, Terminal
from tests.pools import policy_of

HASTE = 50
POOL = generate_pool(hosts=3, vms=15, seed=5, fill=0.5, hot=0.4, pinned=0.1, cpus=16)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Three hosts, one of them too hot, a snapshot of them, and a plan that was never carried out."""
    folder = tmp_path_factory.mktemp("served")
    calls: list[str] = []
    answer = Dispatcher.call

    def call(self: Dispatcher, host_ref: str, method: str, params: list[Any]) -> tuple[str, Any]:
        calls.append(method)
        return answer(self, host_ref, method, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "call", call)
        with Simulator(POOL, user=USER, password=PASSWORD, speed=200.0, login_delay=0.0) as simulator:
            with connect(simulator.url, Credentials(user=USER, password=PASSWORD), Trust()) as session:
                pool = read_pool(session)
                demand = measure(session, pool, policy_of().demand)
            now = datetime.now(UTC)
            snapshot = folder / "pool.json.gz"
            write_snapshot(Snapshot(pool=pool, demand=demand, taken_at=now, source=simulator.url), snapshot)
            plan = rebalance(Rulebook.of(make_problem(pool, demand, policy_of())), made_at=now)
            assert plan.steps
            yield Served(simulator=simulator, calls=calls, snapshot=snapshot, plan=plan)


@pytest.fixture
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run waits a fiftieth of the seconds that it means to wait, and takes them for whole."""
    skipped = [0.0]

    def sleep(_: Clock, seconds: float) -> None:
        time.sleep(seconds / HASTE)
        skipped[0] += seconds - seconds / HASTE

    monkeypatch.setattr(Clock, "sleep", sleep)
    monkeypatch.setattr(Clock, "monotonic", lambda _: time.monotonic() + skipped[0])


@pytest.fixture
def terminal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    haste: None,  # noqa: ARG001 - nobody at this terminal waits
) -> Terminal:
    """A terminal of somebody who has the password of the simulated pool, and a state folder of his own."""
    monkeypatch.setenv("REBALANCER_USER", USER)
    monkeypatch.setenv("REBALANCER_PASSWORD", PASSWORD)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "work").mkdir()
    return Terminal(folder=tmp_path / "work", monkeypatch=monkeypatch, capsys=capsys)


@pytest.fixture
def door(terminal: Terminal, served: Served) -> Iterator[Door]:
    """A door; whatever is tried at it, nothing may have moved afterwards."""
    served.calls.clear()
    yield Door(terminal=terminal, served=served)
    assert served.changes == []


@pytest.fixture
def plan(served: Served, terminal: Terminal) -> Path:
    """A folder with the plan for the served pool."""
    write_plan(served.plan, terminal.folder / "plan")
    return terminal.folder / "plan"
