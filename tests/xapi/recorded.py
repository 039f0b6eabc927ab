"""What a simulated pool answered, to be given again, as it was or spoilt, without a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import loads

import pytest

from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import Credentials, LivePool, Patience, Trust
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.wire.address import parse_url
from rebalancer.xapi.wire.connection import HostConnection, Reply

ROOT = Credentials(user="root", password="simulator")
LOGIN = "session.login_with_password"
MOVE = "Async.VM.pool_migrate"


@dataclass
class Recording:
    """Answers by call and parameters, a VM and a host of the pool; `spoil` makes another answer of that to a call."""

    vm: str = ""
    host: str = ""
    task: str = ""
    answers: dict[str, Reply] = field(default_factory=dict)
    spoil: Callable[[str, Reply], Reply] = lambda _, reply: reply

    def ask(self, body: bytes) -> Reply:
        """The answer to a call in XML; JSON is not spoken."""
        unheard_of = Reply(status=500, reason="Internal", body=b"")
        try:
            params, method = loads(body)
        except ExpatError:
            return unheard_of
        return self.spoil(str(method), self.answers.get(_key(str(method), params), unheard_of))


def _key(method: str, params: tuple[Any, ...]) -> str:
    """Sessions differ, and tokens of events."""
    return method if method in {LOGIN, "event.from"} else f"{method} {params[1:]!r}"


def recorded() -> Recording:
    """A small pool that was read, looked at, and changed."""
    found, ask = Recording(), HostConnection.ask

    def listen(self: HostConnection, method: str, path: str, **options: Any) -> Reply:  # noqa: ANN401 - as it is
        reply = ask(self, method, path, **options)
        if path != "/jsonrpc":
            params, called = loads(options["body"])
            found.answers[_key(str(called), params)] = reply
        return reply

    small = generate_pool(hosts=2, vms=3, seed=1)
    with Simulator(small, speed=1e-6) as simulator, pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostConnection, "ask", listen)
        with LivePool(session_at(simulator.url)) as live:
            pool = live.read()
            found.vm = next(vm.uuid for vm in pool.resident_guests())
            found.host = next(host for host in pool.hosts if host != pool.vms[found.vm].resident_on)
        # Who has read the pool knows its references; who has not asks for them.
        with LivePool(session_at(simulator.url)) as live:
            live.whereabouts(found.vm)
            found.task = live.migrate(found.vm, found.host)
            live.task(found.task)
    return found


def session_at(url: str) -> ReadSession:
    """A session that asks nobody twice, and reads a pool that contradicts itself again at once."""
    session = ReadSession(parse_url(url), ROOT, Trust().context(), 5.0)
    session.patience = Patience(seconds=0, sleep=lambda _seconds: None)
    return session


def played(recording: Recording, patch: pytest.MonkeyPatch) -> LivePool:
    """A live pool that is the *recording*."""

    def ask(_self: HostConnection, _method: str, path: str, *, body: bytes, **_options: Any) -> Reply:  # noqa: ANN401
        return Reply(status=404, reason="Not Found", body=b"") if path == "/jsonrpc" else recording.ask(body)

    patch.setattr(HostConnection, "ask", ask)
    patch.setattr(HostConnection, "connect", lambda _self: None)
    return LivePool(session_at("http://127.0.0.1:1"))
