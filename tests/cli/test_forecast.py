"""`rebalancer forecast`, from a snapshot and recorded weeks."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.simulator import Simulator, demo_pool
from tests.cli.terminal import Terminal

TRACES = Path(__file__).resolve().parents[2] / "data" / "demo-traces.csv.gz"


@pytest.fixture
def desk(terminal: Terminal) -> Terminal:
    """The demo's pool and two weeks of its load."""
    way = rb.Credentials(user="root", password="secret")
    with Simulator(demo_pool(), user=way.user, password=way.password) as simulator:
        rb.read(simulator.url, way, metrics=False).save(terminal.folder / "pool.json")
    (terminal.folder / "traces.csv").write_bytes(gzip.decompress(TRACES.read_bytes()))
    return terminal


def test_recorded_weeks_tell_how_long_it_lasts(desk: Terminal) -> None:
    """CPU with its interval, that memory is not known, and VMs worth a look; JSON says the same."""
    ended = desk.run("forecast", "pool.json", "--traces", "traces.csv")
    assert ended.code == 0
    assert "56.0 pCPUs" in ended.out
    assert "memory: known from the nights of the history alone" in ended.out
    told = desk.run("forecast", "pool.json", "--traces", "traces.csv", "--json").json()
    (cpu,) = told["resources"]
    assert (cpu["known_days"], cpu["horizon_days"], cpu["limit"]) == (14, 28, 56.0)
    assert {each["kind"] for each in told["vms"]} <= {"idle", "oversized", "constrained", "crowding"}
    assert len(told["vms"]) > 3


def test_a_pool_without_history_is_told_so(desk: Terminal) -> None:
    """In a sentence that says what to do."""
    ended = desk.run("forecast", "pool.json", "--state-dir", "state")
    assert ended.code == 1
    assert "no load of this pool is known" in ended.err
