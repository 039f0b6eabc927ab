"""A pool of one's own, and processes that carry plans out on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rebalancer.simulator import Simulator
from rebalancer.simulator.calls.dispatch import Dispatcher
from tests.cli.conftest import POOL
from tests.cli.process.processes import Ground, hear
from tests.cli.terminal import PASSWORD, USER, Served

SPEED = 500.0


@pytest.fixture
def ground(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """The pool of the served plan once more; its migrations take a few hundredths of a second."""
    with Simulator(POOL, user=USER, password=PASSWORD, speed=SPEED, login_delay=0.0) as simulator:
        made = Ground(simulator=simulator, plan=served.plan, folder=tmp_path, gates=[], calls=[])
        monkeypatch.setattr(Dispatcher, "call", hear(made, Dispatcher.call))
        yield made
        for gate in made.gates:
            gate.opened.set()
