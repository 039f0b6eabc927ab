"""A snapshot of the demo's pool, as the examples have it beside them."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest

import rebalancer as rb
from rebalancer.simulator import Simulator, demo_pool

CLOCK = datetime(2026, 11, 30, 0, 30, tzinfo=UTC)
"""Of the pool, so that examples which show hours are the same at any time."""
TRACES = Path(__file__).resolve().parents[2] / "data" / "demo-traces.csv.gz"


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pool.json.gz`."""
    path = tmp_path_factory.mktemp("demo") / "pool.json.gz"
    way = rb.Credentials(user="root", password="secret")
    with Simulator(demo_pool(), user=way.user, password=way.password, now=CLOCK.timestamp()) as simulator:
        rb.read(simulator.url, way).save(path)
    return path


@pytest.fixture
def desk(snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder with the snapshot and two weeks of traces, where work is done, and a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "pool.json.gz").write_bytes(snapshot.read_bytes())
    (tmp_path / "traces.csv").write_bytes(gzip.decompress(TRACES.read_bytes()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def planned(snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a plan for it."""
    folder = tmp_path_factory.mktemp("planned")
    model = rb.Model(rb.read(snapshot), state_dir=folder / "state")
    rb.rebalance(model, seconds=2).save(folder / "tonight")
    return folder / "tonight"


@pytest.fixture
def tonight(desk: Path, planned: Path) -> Path:
    """That folder in the one where work is done."""
    return copytree(planned, desk / "tonight")
