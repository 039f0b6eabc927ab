from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import rebalancer as rb
from rebalancer.errors import Unreachable
from rebalancer.policy import DemandPolicy
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import MetricsFailure, ReadSession, Trust, connect, read_clocks, read_pool
from rebalancer.xapi.patience import NONE
from rebalancer.xapi.reading.clocks import parse_clock

NOON = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
ROOT = rb.Credentials(user="root", password="simulator")


def open_session(url: str) -> ReadSession:
    """A session with the simulated pool's login."""
    return connect(url, ROOT, Trust(), patience=NONE)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A running pool of three hosts over plain HTTP."""
    with Simulator(generate_pool(hosts=3, vms=6, seed=1)) as running:
        yield running


@pytest.mark.parametrize(
    ("written", "later"),
    [
        ("20261128T12:00:00Z", 0.0),
        ("2026-11-28T12:00:00Z", 0.0),
        ("2026-11-28T12:00:00.000Z", 0.0),
        ("2026-11-28t12:00:00.250z", 0.25),
        ("20261128T12:00:00,25Z", 0.25),
        ("20261128T12:00:00.123456789Z", 0.123456),
        ("20261128T120000Z", 0.0),
        ("20261128T12:00:00", 0.0),
        ("2026-11-28 12:00:00", 0.0),
        ("20261128T14:00:00+02:00", 0.0),
        ("2026-11-28T17:30:00+0530", 0.0),
        ("2026-11-28T07:00:00.5-05", 0.5),
        (" 20261128T12:00:00Z\n", 0.0),
    ],
)
def test_moments_in_every_form(written: str, later: float) -> None:
    """With dashes or without, with fractions, Z, an offset, or no zone at all, which is UTC."""
    assert parse_clock(written) == NOON + timedelta(seconds=later)


@pytest.mark.parametrize("written", ["", "now", "2026-11-28", "20261128", "12:00:00", "20261128T25:00:00Z"])
def test_what_is_no_moment_is_refused(written: str) -> None:
    """A day alone is none: its midnight would be hours off."""
    with pytest.raises(ValueError, match=r"day|isoformat|hour"):
        parse_clock(written)


def test_a_clock_that_cannot_be_read_is_told(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is named in the place of its reading, with what it said."""
    monkeypatch.setattr("rebalancer.simulator.calls.host.stamp", lambda _: "half past nine")
    with open_session(simulator.url) as session:
        clocks = read_clocks(session, read_pool(session))
    assert all(isinstance(each, MetricsFailure) and "half past nine" in each.reason.lower() for each in clocks.values())


def test_a_host_that_breaks_off_loses_no_other(simulator: Simulator) -> None:
    """XAPI passes the question on, and no answer comes: that host says so in its place, and the others are asked."""
    simulator.faults.add("connection-reset", method="host.get_servertime", times=2)
    with open_session(simulator.url) as session:
        first, *others = read_clocks(session, read_pool(session)).values()
    assert isinstance(first, MetricsFailure)
    assert first.reason == "asked for its clock: the connection was closed while waiting for an answer"
    assert all(isinstance(each, float) for each in others)


def test_a_coordinator_that_is_gone_is_told(simulator: Simulator) -> None:
    """Nobody can be asked then."""
    with open_session(simulator.url) as session:
        pool = read_pool(session)
        simulator.stop()
        with pytest.raises(Unreachable):
            read_clocks(session, pool)


def test_an_answer_that_takes_long_is_no_difference(simulator: Simulator) -> None:
    """Half of the time between question and answer is taken off."""
    ticks = iter(range(0, 1000, 40))
    with open_session(simulator.url) as session:
        clocks = read_clocks(session, pool := read_pool(session), lambda: float(next(ticks)))
        shown = [clocks[host] for host in pool.hosts]
    assert all(isinstance(each, float) for each in shown)
    assert np.allclose(np.diff(np.array(shown, dtype=float)), -80, atol=10)


@pytest.mark.parametrize("seconds", [7 * 3600, -26 * 3600, 5.5 * 3600, 1500])
def test_metrics_come_to_one_clock(simulator: Simulator, seconds: float) -> None:
    """Whatever one clock shows, hours are those of the others; cut rows are the mean of what fell into an hour."""
    right = rb.read(simulator.url, ROOT, demand=DemandPolicy(slots=24)).demand
    wrong = next(reversed(simulator.urls))
    simulator.faults.add("clock-skew", host=wrong, seconds=seconds, times=-1)
    state = rb.read(simulator.url, ROOT, demand=DemandPolicy(slots=24, clock_limit_minutes=2000))
    found = state.demand
    assert right is not None
    assert found is not None
    assert found.clocks is not None
    assert found.clocks.ahead == {wrong: int(seconds)}
    at_home = np.array([state.pool.vms[vm].resident_on != wrong for vm in found.vms])
    assert np.allclose(found.vm_pcpu[at_home], right.vm_pcpu[at_home], rtol=1e-12)
    if seconds % 3600 == 0:
        assert np.allclose(found.vm_pcpu, right.vm_pcpu)
    else:
        assert np.abs(found.vm_pcpu - right.vm_pcpu).mean() < np.abs(np.roll(right.vm_pcpu, 1) - right.vm_pcpu).mean()


def test_a_clock_beyond_the_limit_refuses_its_metrics(simulator: Simulator) -> None:
    """The host is named, how far it is off, and the key that says how far it may be; the others are measured."""
    wrong = next(reversed(simulator.urls))
    simulator.faults.add("clock-skew", host=wrong, seconds=-3 * 86400, times=-1)
    state = rb.read(simulator.url, ROOT)
    assert state.demand is not None
    said = "its clock is 3.0 days behind most clocks, and demand.clock_limit_minutes is 1440: set the clock right"
    assert state.demand.refused == {wrong: said}


def test_the_clock_of_this_machine_moves_no_metrics() -> None:
    """Hosts that agree are right: the window ends by their clock, and this machine is told to be wrong."""
    now = (NOON + timedelta(days=400, minutes=30)).timestamp()
    with Simulator(generate_pool(hosts=2, vms=2, seed=1), now=now) as running:
        demand = rb.read(running.url, ROOT).demand
    assert demand is not None
    assert demand.window_end == NOON + timedelta(days=400)
    assert demand.clocks is not None
    assert demand.clocks.ahead == {}
    assert demand.clocks.here < 0
