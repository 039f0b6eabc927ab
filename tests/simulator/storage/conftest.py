"""A simulator for moves with disks: a disk takes a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rebalancer.simulator import SimulatedPool, Simulator, generate_pool
from tests.simulator.storage.crossing import Crossing
from tests.simulator.storage.motion import Proxy


@pytest.fixture
def simulator(small_pool: SimulatedPool) -> Iterator[Simulator]:
    """The small pool, running; a disk takes a fraction of a second."""
    with Simulator(small_pool, speed=1000.0, password="secret", login_delay=0.0) as running:
        yield running


@pytest.fixture(scope="session")
def other_pool() -> SimulatedPool:
    """Another pool with networks of the same names."""
    return generate_pool(hosts=2, vms=6, seed=6, fill=0.3, pinned=0.0, cpus=8)


@pytest.fixture
def two(small_pool: SimulatedPool, other_pool: SimulatedPool, connect: Proxy) -> Callable[..., Any]:
    """Two pools that know of each other, at a speed."""

    @contextmanager
    def opened(speed: float = 3000.0) -> Iterator[Crossing]:
        with (
            Simulator(small_pool, speed=speed, password="secret", login_delay=0.0) as here,
            Simulator(other_pool, speed=speed, password="secret", login_delay=0.0, net=101) as there,
        ):
            here.introduce(there)
            host = next(ref for ref, _ in there.database.items("host"))
            local = next(
                pbd["SR"]
                for _, pbd in there.database.items("PBD")
                if pbd["host"] == host and there.database.get("SR", pbd["SR"])["type"] == "ext"
            )
            xapi, other = connect(here).xenapi, connect(there).xenapi
            vm = next(
                ref
                for ref, vm in here.database.items("VM")
                if vm["power_state"] == "Running" and not vm["is_control_domain"] and vm["VIFs"]
            )
            yield Crossing(here=here, there=there, xapi=xapi, other=other, vm=vm, host=host, storage=local)

    return opened
