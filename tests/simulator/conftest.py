"""Simulated pools for the tests of the simulator, small and fast."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import SimulatedPool, Simulator, generate_pool

# The stock client answers with whatever the method answers.
Proxy = Any
PASSWORD = "secret"


@pytest.fixture(scope="session")
def small_pool() -> SimulatedPool:
    """Three hosts and twelve guests that all may move."""
    return generate_pool(hosts=3, vms=12, seed=5, fill=0.4, pinned=0.0, cpus=8)


@pytest.fixture
def simulator(small_pool: SimulatedPool) -> Iterator[Simulator]:
    """The small pool, running; a move takes a fraction of a second."""
    with Simulator(small_pool, speed=40.0, password=PASSWORD, login_delay=0.05) as running:
        yield running


@pytest.fixture
def xapi(simulator: Simulator) -> Proxy:
    """The stock Python client, logged in."""
    return log_in(simulator).xenapi


@pytest.fixture
def connect() -> Callable[[Simulator], Proxy]:
    """A function that logs the stock Python client into a simulator."""
    return log_in


def log_in(simulator: Simulator) -> Proxy:
    """Return a logged-in XenAPI.Session."""
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password("root", PASSWORD, "1.0", "tests")
    return session
