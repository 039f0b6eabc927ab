"""What runs against simulators share, and what those against a scripted pool share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.simulator.calls.dispatch import Dispatcher
from tests.execute.case import Case
from tests.execute.scripted import plan_of
from tests.pools import make_host, make_pool, make_vm


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all calls that reach any simulator of this test."""
    heard: list[str] = []
    answer = Dispatcher.call

    def call(self: Dispatcher, host_ref: str, method: str, params: list[Any]) -> tuple[str, Any]:
        heard.append(method)
        return answer(self, host_ref, method, params)

    monkeypatch.setattr(Dispatcher, "call", call)
    return heard


@pytest.fixture
def pool() -> Pool:
    """Three hosts, and VMs a, b and c on the first of them."""
    hosts = [make_host(name) for name in ("h1", "h2", "h3")]
    return make_pool(hosts=hosts, vms=[make_vm(name) for name in "abc"])


@pytest.fixture
def plan(pool: Pool) -> Plan:
    """It moves a to h2, b to h3 and c to h2."""
    return plan_of(pool, ("a", "h2"), ("b", "h3"), ("c", "h2"))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A fresh place."""
    return Case(tmp_path)
