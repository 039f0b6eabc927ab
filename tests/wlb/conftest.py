"""A Workload Balancing server before a simulated pool."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import XenAPI

import rebalancer as rb
from rebalancer.simulator import SimulatedPool, Simulator, generate_pool
from rebalancer.wlb.accounts import Accounts, keep_account
from rebalancer.wlb.app import FrontDoor, app_of
from rebalancer.wlb.measures import Measures
from rebalancer.wlb.service import Service
from rebalancer.wlb.serving import Listen, Listening
from rebalancer.wlb.vault import Vault
from rebalancer.wlb.watching import Helpers, Rhythm

# The stock client answers with whatever the method answers.
Proxy = Any
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that listens, and what it said."""

    service: Service
    door: FrontDoor
    url: str
    said: list[str]


@pytest.fixture(scope="session")
def tidy_pool() -> SimulatedPool:
    """Four hosts and sixteen guests."""
    return generate_pool(hosts=4, vms=16, seed=3, fill=0.5, pinned=0.0, cpus=8, days=2)


@pytest.fixture(scope="module")
def simulator(tidy_pool: SimulatedPool) -> Iterator[Simulator]:
    """The pool, running."""
    with Simulator(tidy_pool, speed=400.0, password="secret", login_delay=0.01, net=7) as running:
        yield running


@pytest.fixture(scope="module")
def xapi(simulator: Simulator) -> Proxy:
    """The stock client, logged in."""
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password("root", "secret", "1.0", "tests")
    return session.xenapi


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with one account that knows no pool yet."""
    folder, said = tmp_path_factory.mktemp("wlb"), list[str]()
    keep_account(folder / "accounts", "wlbuser", "wlbpass")
    policy = rb.Policy.model_validate({"demand": {"window_days": 1}, "limits": {"solve_seconds": 2}})
    helpers = Helpers(planners=ThreadPoolExecutor(1), told=said.append)
    rhythm = Rhythm(inventory=0.2, metrics=300.0, plan=0.2, planning=30.0, retry=0.5)
    service = Service(policy, folder, Vault(folder / "wlb"), helpers, state_dir=folder, rhythm=rhythm)
    accounts = Accounts.from_file(folder / "accounts")
    door = FrontDoor(service=service, accounts=accounts, measures=Measures(service), told=said.append)
    with Listening(app_of(door), Listen(address="127.0.0.1:0")) as listening:
        yield Running(service=service, door=door, url=listening.address, said=said)
    service.stop()


@pytest.fixture(scope="module")
def pool(xapi: Proxy, server: Running) -> Proxy:
    """The pool, connected, seen and measured, with a plan."""
    xapi.pool.initialize_wlb(server.url, "wlbuser", "wlbpass", "root", "secret")
    (ref,) = xapi.pool.get_all()
    enabled = True
    xapi.pool.set_wlb_enabled(ref, enabled)
    (watch,) = server.service.watches.values()
    wait_for(lambda: watch.view is not None and watch.view.load is not None and watch.plan is not None, server)
    return xapi


def wait_for(whether: Callable[[], bool], server: Running) -> None:
    """Wait until *whether* says yes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not whether():
        assert time.monotonic() < deadline, (server.said, list(server.service.diagnostics()))
        time.sleep(0.02)
