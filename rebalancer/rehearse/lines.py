"""Calls to a simulated pool without a network between: the product's own client asks, and the pool's own door answers.

What goes wrong on the way goes wrong here, too: refused connections, lost answers, silence until a time-out.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from xmlrpc.client import DateTime, loads

from rebalancer.simulator import Simulator, VirtualTime
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.simulator.server.door import Door, Form
from rebalancer.simulator.state.failure import ConnectionLost
from rebalancer.simulator.state.fault import Occasion
from rebalancer.simulator.wire import jsonform, xmlform
from rebalancer.simulator.wire.response import Response
from rebalancer.xapi.wire.address import Address
from rebalancer.xapi.wire.connection import HostConnection, Reply
from rebalancer.xapi.wire.limits import PATIENCE_FACTOR
from rebalancer.xapi.wire.transport import JSON_PATH, Interruptible, SendOnce, Wires

SHORT: Final = "x"
"""In the place of an answer's text where the answer goes by hand."""


class Handed(bytes):
    """An answer that goes by hand: its text says nothing, its `envelope` all."""

    envelope: Mapping[str, Any]


@dataclass(slots=True)
class SimulatedNetwork:
    """Leads to the hosts of a simulated pool by their addresses."""

    simulator: Simulator
    time: VirtualTime

    def wires(self) -> Wires:
        """What calls go out over that are made here."""
        return Wires(
            reading=partial(_Reading, self), sending=partial(_Sending, self), listening=partial(_Listening, self)
        )

    def door(self, address: str) -> Door:
        """The door of the host at an address; an `OSError` where nobody is."""
        world = self.simulator.world
        for ref, host in world.database.items("host"):
            if host["address"] == address:
                return Door(world=world, host=ref, dispatcher=Dispatcher(world))
        raise ConnectionRefusedError(f"nobody is at {address}")

    @property
    def answers_go_astray(self) -> bool:
        """Whether answers have to be written and read, because one is to be cut or spoilt."""
        faults = self.simulator.faults
        return any(faults.kinds[each.kind].occasion is Occasion.ANSWER for each in faults.waiting)


class DirectConnection(HostConnection):
    """A connection to one host of a simulated pool, in virtual time."""

    def __init__(self, network: SimulatedNetwork, address: Address, seconds: float) -> None:
        super().__init__(address, None, seconds)
        self._network, self._to, self._limit, self._stands = network, address.host, seconds, False

    @property
    def is_open(self) -> bool:
        """Whether it has served before."""
        return self._stands

    @property
    def is_disturbed(self) -> bool:
        """Never: nobody speaks unasked."""
        return False

    def connect(self) -> None:
        """Open it.

        Raises:
            OSError: nobody answers.
        """
        self._assert_reachable()
        self._stands = True

    def close(self) -> None:
        """Close it."""
        self._stands = False

    def interrupt(self) -> None:
        """Nobody asks to stop in a rehearsal."""

    def ask(
        self, method: str, path: str, *, most: int, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The answer to one request; errors are those of `HostConnection`."""
        del method, most, headers
        if not self._stands:
            self.connect()
        self._assert_reachable()
        try:
            return self._in_time(lambda: self._asked(path, body or b""))
        except ConnectionLost:
            self._stands = False
            raise ConnectionResetError("the connection was reset") from None
        except OSError:
            self._stands = False
            raise

    def _assert_reachable(self) -> None:
        away = self._network.door(self._to).is_away()
        self._stands = self._stands and not away
        if away == "silent":
            self._network.time.sleep(self._limit)
            raise TimeoutError("timed out")
        if away:
            raise ConnectionRefusedError("connection refused")

    def _in_time(self, answer: Callable[[], Reply]) -> Reply:
        """What *answer* returns; where something may be late, no later than a client waits."""
        time = self._network.time
        if not self._network.simulator.faults.waiting:
            return answer()
        over, found = time.event(), list[Reply | Exception]()

        def work() -> None:
            try:
                found.append(answer())
            except (OSError, ConnectionLost) as error:
                found.append(error)
            over.set()

        time.start(work)
        if not over.wait(PATIENCE_FACTOR * self._limit):
            raise TimeoutError("timed out")
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def _asked(self, path: str, body: bytes) -> Reply:
        method, params, form, envelope = self._by_json(body) if path == JSON_PATH else self._by_xml(body)
        reply = self._network.door(self._to).answer(method, params, form)
        return self._arrived(reply, envelope)

    def _by_xml(self, body: bytes) -> tuple[str, list[Any], Form, dict[str, Any]]:
        params, method = loads(body)
        values = [str(each) if isinstance(each, DateTime) else each for each in params]
        if self._network.answers_go_astray:
            return str(method), values, Form(kind="text/xml", success=xmlform.success, failure=xmlform.failure), {}
        envelope: dict[str, Any] = {}
        return str(method), values, _by_hand(envelope), envelope

    def _by_json(self, body: bytes) -> tuple[str, list[Any], Form, dict[str, Any]]:
        request = json.loads(body)
        success, failure = partial(jsonform.success, request), partial(jsonform.failure, request)
        form = Form(kind="application/json", success=success, failure=failure)
        return request["method"], list(request["params"]), form, {}

    def _arrived(self, reply: Response, envelope: dict[str, Any]) -> Reply:
        text = reply.text.encode()
        if reply.pause > 0.0:
            self._network.time.sleep(reply.pause * len(text))
        if reply.cut is not None:
            raise ConnectionResetError("the connection broke in the middle of an answer")
        if envelope and reply.status == HTTPStatus.OK:
            text = Handed(text)
            text.envelope = envelope
        return Reply(status=reply.status, reason="", body=text)


def _by_hand(envelope: dict[str, Any]) -> Form:
    """Answers that go into *envelope* and are not written."""

    def success(_kind: str, value: object) -> str:
        envelope.update(Status="Success", Value="" if value is None else value)
        return SHORT

    def failure(description: list[str]) -> str:
        envelope.update(Status="Failure", ErrorDescription=description)
        return SHORT

    return Form(kind="text/xml", success=success, failure=failure)


class _Direct(SendOnce):
    """A transport over a `DirectConnection`; answers that go by hand need not be read."""

    def __init__(
        self, network: SimulatedNetwork, address: Address, context: ssl.SSLContext | None, seconds: float
    ) -> None:
        super().__init__(address, context, seconds)
        self._host = DirectConnection(network, address, seconds)

    def _envelope(self, asked: bytes, answer: bytes) -> dict[str, Any]:
        return dict(answer.envelope) if isinstance(answer, Handed) else super()._envelope(asked, answer)


class _Sending(_Direct):
    """For what changes the pool."""


class _Listening(_Direct, Interruptible):
    """For what waits for news, and for all that only reads."""


_Reading = _Listening
