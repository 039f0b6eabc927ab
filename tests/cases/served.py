"""Simulated pools of cases, served and read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rebalancer as rb
from rebalancer.simulator import Simulator, load_pool

WAY = rb.Credentials(user="root", password="simulated")


@contextmanager
def served(file: Path) -> Iterator[Simulator]:
    """The pool in *file*; migrations take no time to speak of."""
    pool = load_pool(file)
    with Simulator(pool, user=WAY.user, password=WAY.password, speed=2000.0, login_delay=0.0) as simulator:
        yield simulator


def state_in(file: Path, *, metrics: bool = True) -> rb.PoolState:
    """The pool in *file*, as it is read through XAPI."""
    with served(file) as simulator:
        return rb.read(simulator.url, WAY, metrics=metrics)
