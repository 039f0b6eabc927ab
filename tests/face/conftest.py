"""A snapshot of the demo's pool, as the examples have it beside them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.simulator import Simulator, demo_pool

TRACES = Path(__file__).resolve().parents[2] / "data" / "demo-traces.csv.gz"


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pool.json.gz`."""
    path = tmp_path_factory.mktemp("demo") / "pool.json.gz"
    way = rb.Credentials(user="root", password="secret")
    with Simulator(demo_pool(), user=way.user, password=way.password) as simulator:
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
