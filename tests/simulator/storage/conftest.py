"""A simulator for moves with disks: a disk takes a fraction of a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rebalancer.simulator import SimulatedPool, Simulator


@pytest.fixture
def simulator(small_pool: SimulatedPool) -> Iterator[Simulator]:
    """The small pool, running; a disk takes a fraction of a second."""
    with Simulator(small_pool, speed=1000.0, password="secret", login_delay=0.0) as running:
        yield running
