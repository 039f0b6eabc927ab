"""Strangers, guessing, floods and slow clients at the door of the server."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
import XenAPI

from rebalancer.simulator import Simulator
from rebalancer.wlb import app, serving
from rebalancer.wlb.accounts import ADDRESSES, FAILURES, WITHIN_SECONDS, Throttle
from rebalancer.wlb.protocol.elements import MOST_BYTES
from tests.wlb.conftest import Running

# The stock client answers with whatever the method answers.
Proxy = Any
GOOD = ("wlbuser", "wlbpass")
CALL = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><{0}><request>{1}</request></{0}></s:Body>'
    "</s:Envelope>"
)
UNKNOWN = CALL.format("GetXenPoolConfiguration", "<PoolUuid>nobody</PoolUuid>")


@pytest.fixture(autouse=True)
def forgiven(server: Running) -> None:
    """Nobody was wrong before."""
    server.door.throttle._wrong.clear()


def post(server: Running, body: str | bytes, login: tuple[str, str] | None = GOOD) -> httpx.Response:
    """What the server says to a body."""
    return httpx.post(f"http://{server.url}{app.PATH}", content=body, auth=login, timeout=20.0)


@pytest.mark.parametrize("login", [None, ("wlbuser", "wrong"), ("nobody", "wlbpass"), ("wlbuser", ""), ("", "wlbpass")])
def test_strangers_are_turned_away(server: Running, login: tuple[str, str] | None) -> None:
    """No login, a wrong password and a wrong name get the same answer, with nothing in it."""
    answer = post(server, UNKNOWN, login)
    assert (answer.status_code, answer.content) == (401, b"")
    assert httpx.get(f"http://{server.url}/metrics", auth=login).status_code == 401


def test_guessing_is_stopped(server: Running) -> None:
    """After some wrong passwords even the right one is not looked at for a while."""
    for _ in range(FAILURES):
        post(server, UNKNOWN, ("wlbuser", "guess"))
    assert post(server, UNKNOWN).status_code == 401


def test_guessing_may_go_on_later() -> None:
    """An address is shut for as long as its last failures are recent, and only so many addresses are remembered."""
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(FAILURES):
        assert not throttle.is_shut("a")
        throttle.note("a")
    assert throttle.is_shut("a")
    assert not throttle.is_shut("b")
    now[0] = WITHIN_SECONDS
    assert not throttle.is_shut("a")
    for number in range(ADDRESSES + 1):
        throttle.note(str(number))
    assert len(throttle._wrong) == ADDRESSES


@pytest.mark.parametrize(
    "body",
    ["", "hello", "<a/>", '<!DOCTYPE a [<!ENTITY x "y">]>' + UNKNOWN, "x" * (MOST_BYTES + 1), UNKNOWN[:-9], UNKNOWN],
)
def test_what_cannot_be_answered_is_a_fault_with_200(server: Running, body: str) -> None:
    """No call, too much, an unknown pool: XAPI looks at nothing but 200, and shows the words of a fault."""
    answer = post(server, body)
    assert answer.status_code == 200
    assert "<s:Fault><s:Reason><s:Text>" in answer.text
    assert answer.headers["content-length"] == str(len(answer.content))


def test_wrong_passwords_connect_nothing(xapi: Proxy, server: Running) -> None:
    """Neither ours nor the pool's; the answer holds no password."""
    cases = (
        (("wlbuser", "wrong"), ("root", "secret"), ["WLB_AUTHENTICATION_FAILED"]),
        (GOOD, ("root", "hunter2"), ["WLB_INTERNAL_ERROR", "Exception:"]),
    )
    for login, pool_login, code in cases:
        with pytest.raises(XenAPI.Failure) as refused:
            xapi.pool.initialize_wlb(server.url, *login, *pool_login)
        assert refused.value.details[: len(code)] == code
        assert not any(word in str(refused.value) for word in ("wlbpass", "hunter2"))
    assert server.service.watches == {}
    assert not any("hunter2" in words for words in server.said)


def test_another_pool_is_not_taken(simulator: Simulator, server: Running) -> None:
    """The pool behind an address has to be the one that the call names, and the address one of a host."""
    login = "<Password>secret</Password><PoolUuid>other</PoolUuid><UserName>root</UserName>"
    for url, words in ((f"{simulator.url}/", "is another one"), ("nowhere", "no address of a host")):
        inside = f"{login}<XenServerUrl>{url}</XenServerUrl>"
        assert words in post(server, CALL.format("AddXenServer", inside)).text


def test_other_paths_and_methods(server: Running) -> None:
    """There is nothing else to find; whether all is well is told to everybody, in a word."""
    base = f"http://{server.url}"
    assert httpx.get(f"{base}/").status_code == 404
    assert httpx.get(f"{base}{app.PATH}").status_code == 405
    assert (httpx.get(f"{base}/healthz").status_code, httpx.get(f"{base}/healthz").text) == (200, "ok\n")
    post(server, UNKNOWN)
    text = httpx.get(f"{base}/metrics", auth=GOOD).text
    assert 'rebalancer_wlb_calls_total{method="GetXenPoolConfiguration",outcome="refused"}' in text


def test_slow_clients_are_hung_up_on(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends no whole head, or no whole body, holds a connection for a while and no longer."""
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(app, "BODY_SECONDS", 0.2)
    host, _, port = server.url.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n")
        assert slow.recv(100) == b""
    with socket.create_connection((host, int(port)), timeout=20) as slow:
        login = "d2xidXNlcjp3bGJwYXNz"
        head = f"POST {app.PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Length: 90\r\n\r\n<a>"
        slow.sendall(head.encode())
        said = b""
        while part := slow.recv(4096):
            said += part
    assert b"not in time" in said


def test_an_endless_head_ends(server: Running) -> None:
    """Headers beyond what any client sends are refused, and memory with them."""
    headers = {f"X-{number}": "y" * 4096 for number in range(64)}
    try:
        status = httpx.get(f"http://{server.url}/healthz", headers=headers).status_code
    except httpx.TransportError:  # it hung up before the client had said everything
        status = 0
    assert status in {0, 400}
