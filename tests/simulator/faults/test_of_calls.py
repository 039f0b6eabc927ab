"""Calls that do not get through, and answers that are none (XAPI.md 4.1, 4.4, 6)."""

from __future__ import annotations

import time
from typing import Any
from xmlrpc.client import ProtocolError

import httpx
import pytest
import XenAPI

from rebalancer.simulator import Simulator
from rebalancer.simulator.faults.answers import FORMS
from tests.simulator.moving import Proxy, first_move

ASKED = "VM.get_all"


def posted(simulator: Simulator, method: str, *params: object, timeout: float = 60.0) -> httpx.Response:
    """The answer to one call on a connection of its own, as it comes."""
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return httpx.post(f"{simulator.url}/jsonrpc", json=call, timeout=timeout)


@pytest.fixture
def session(simulator: Simulator) -> str:
    """A session's ref."""
    return str(posted(simulator, "session.login_with_password", "root", "secret").json()["result"])


@pytest.mark.parametrize(
    ("kind", "code"), [("too-many-tasks", "TOO_MANY_PENDING_TASKS"), ("still-booting", "HOST_STILL_BOOTING")]
)
def test_xapi_turns_a_call_away(simulator: Simulator, xapi: Proxy, kind: str, code: str) -> None:
    """And takes the next one."""
    simulator.faults.add(kind, method=ASKED)
    with pytest.raises(XenAPI.Failure, match=code):
        xapi.VM.get_all()
    assert xapi.VM.get_all()


def test_a_connection_is_reset_before_the_call_is_taken(simulator: Simulator, session: str) -> None:
    """No task exists: the call never began."""
    vm, _, target = first_move(simulator)
    simulator.faults.add("reset-before", method="Async.VM.pool_migrate")
    with pytest.raises(httpx.TransportError):
        posted(simulator, "Async.VM.pool_migrate", session, vm, target, {})
    assert simulator.database.count("task") == 0


def test_the_toolstack_is_unavailable(simulator: Simulator, xapi: Proxy) -> None:
    """HTTP 503, and nothing was carried out."""
    vm, _, target = first_move(simulator)
    simulator.faults.add("unavailable", method="Async.VM.pool_migrate")
    with pytest.raises(ProtocolError, match="503"):
        xapi.Async.VM.pool_migrate(vm, target, {})
    assert simulator.database.count("task") == 0


@pytest.mark.parametrize("how", ["reset", "silent"])
def test_the_network_is_away_for_a_while(simulator: Simulator, session: str, how: str) -> None:
    """Nobody gets an answer until it is over."""
    simulator.faults.add("network-away", how=how, lasts=0.6)
    with pytest.raises(httpx.TransportError):
        posted(simulator, ASKED, session, timeout=0.3)
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        try:
            assert posted(simulator, ASKED, session).json()["result"]
        except httpx.TransportError:
            continue
        break
    assert simulator.faults.waiting == ()


def test_one_host_is_away(simulator: Simulator) -> None:
    """The others answer."""
    first, second = list(simulator.urls)[:2]
    simulator.faults.add("network-away", host=second, lasts=60.0)
    call = {"jsonrpc": "2.0", "id": 1, "method": "session.login_with_password", "params": ["root", "secret"]}
    assert httpx.post(f"{simulator.urls[first]}/jsonrpc", json=call).json()["result"]
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{simulator.urls[second]}/jsonrpc", json=call)


def test_calls_are_limited_in_number(simulator: Simulator, xapi: Proxy) -> None:
    """They come through one after the other, none is lost."""
    simulator.faults.add("rate-limited", method=ASKED, per_second=10, times=-1)
    begun = time.monotonic()
    assert all(xapi.VM.get_all() for _ in range(4))
    assert time.monotonic() - begun >= 0.3


def test_an_answer_is_truncated(simulator: Simulator, session: str) -> None:
    """The connection breaks in the middle of it."""
    simulator.faults.add("truncated", method=ASKED, share=0.5)
    with pytest.raises(httpx.TransportError):
        posted(simulator, ASKED, session)


def test_nobody_answers(simulator: Simulator, session: str) -> None:
    """The call was carried out, and the client waits in vain."""
    vm, _, target = first_move(simulator)
    simulator.faults.add("no-answer", method="Async.VM.pool_migrate", seconds=60)
    with pytest.raises(httpx.ReadTimeout):
        posted(simulator, "Async.VM.pool_migrate", session, vm, target, {}, timeout=0.5)
    assert simulator.database.count("task") == 1


def test_an_answer_drips(simulator: Simulator, session: str) -> None:
    """Each byte comes in time, and the whole answer never does."""
    simulator.faults.add("dripping", method=ASKED, per_second=50)
    with httpx.stream(
        "POST",
        f"{simulator.url}/jsonrpc",
        json={"jsonrpc": "2.0", "id": 1, "method": ASKED, "params": [session]},
        timeout=5.0,
    ) as answer:
        chunks = answer.iter_raw()
        first = [len(next(chunks)) for _ in range(3)]
    assert sum(first) < 200


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_is_malformed(simulator: Simulator, session: str, form: str) -> None:
    """The body is that of the form, with a status that promises an answer."""
    simulator.faults.add("malformed", method=ASKED, form=form)
    answer = posted(simulator, ASKED, session)
    assert (answer.status_code, answer.text) == (200, FORMS[form])


def test_a_fault_waits_for_its_time(simulator: Simulator, xapi: Proxy) -> None:
    """Nothing happens `after` so many seconds earlier, and then it lasts."""
    simulator.faults.add("still-booting", after=0.3, lasts=60.0)
    assert xapi.VM.get_all()
    found: list[Any] = []
    while not found:
        try:
            xapi.VM.get_all()
        except XenAPI.Failure as failure:
            found = failure.details
    assert found[0] == "HOST_STILL_BOOTING"
