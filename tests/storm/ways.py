"""The way from a process of a storm into the simulated pools, without sockets: requests, answers, and their loss."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.client import IncompleteRead
from random import Random
from typing import Any
from xmlrpc.client import ProtocolError

from rebalancer.simulator import Simulator, VirtualTime
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.simulator.server.door import Door, Form
from rebalancer.simulator.state.failure import ConnectionLost
from rebalancer.simulator.wire.response import Response
from rebalancer.xapi.session import READS
from rebalancer.xapi.wire.answers import from_xml
from tests.storm.conduct import Conduct
from tests.storm.executor import AFTER, BEFORE, CALL, Executor
from tests.storm.record import Call, Record

Envelope = dict[str, Any]
SLOWEST_SECONDS = 0.02
"""How long a request is on its way at most, and its answer; the chance draws it, and so who comes first."""
MOVES = {"VM.pool_migrate", "VM.migrate_send"}
BYTES = 2000
"""How long an answer counts as that drips."""


class Carried(str):  # noqa: SLOT000 - it carries a value
    """The text of an answer that nobody spelt out, because nothing happens to it on its way."""

    envelope: Envelope

    @classmethod
    def of(cls, envelope: Envelope) -> Carried:
        """An answer."""
        text = cls(" " * BYTES)
        text.envelope = envelope
        return text


class Asked(bytes):
    """A request that nobody spelt out."""

    method: str
    params: list[Any]


class Spared(str):  # noqa: SLOT000 - it carries values
    """What a client takes for the XML of its request."""

    asked: Asked

    @classmethod
    def of(cls, params: Sequence[Any], methodname: str, **_options: object) -> Spared:
        """A request, as `xmlrpc.client.dumps` is asked for it; what is changed later is not changed in it."""
        text = cls()
        text.asked = Asked()
        text.asked.method, text.asked.params = methodname, json.loads(json.dumps(params))
        return text

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> Asked:  # noqa: ARG002 - as of every text
        """The request."""
        return self.asked


FORM = Form(
    kind="text/xml",
    success=lambda _kind, value: Carried.of({"Status": "Success", "Value": "" if value is None else value}),
    failure=lambda words: Carried.of({"Status": "Failure", "ErrorDescription": list(words)}),
)


class Witness(Dispatcher):
    """Carries one call out, and has it judged."""

    def __init__(self, simulator: Simulator, time: VirtualTime, conduct: Conduct, call: Call) -> None:
        super().__init__(simulator.world)
        self._time, self._conduct, self._call = time, conduct, call

    def call(self, host_ref: str, method: str, params: list[Any]) -> tuple[str, Any]:
        """Carry it out; the migration that it starts begins later."""
        kind, value = super().call(host_ref, method, params)
        self._call.arrived = self._time.monotonic()
        if self._call.vm:
            self._conduct.at_arrival(self._call)
            self._call.task = str(value)
        return kind, value


class Ways:
    """Ways into the *simulators*, by the addresses of their hosts; what goes in is in the *record*."""

    def __init__(
        self, simulators: Sequence[Simulator], time: VirtualTime, chance: Random, record: Record, conduct: Conduct
    ) -> None:
        self._time, self._chance, self._record, self._conduct = time, chance, record, conduct
        self._simulators = simulators
        self._hosts = {host["address"]: (each, ref) for each in simulators for ref, host in each.database.items("host")}

    def connect(self, executor: Executor, address: str, timeout: float) -> None:
        """Open a connection.

        Raises:
            OSError: there is none.
        """
        executor.assert_alive()
        if executor.cut_side == BEFORE and self._is_cut(executor):
            raise ConnectionRefusedError(address)
        self._assert_there(address, timeout)

    def request(self, executor: Executor, address: str, body: Asked, timeout: float) -> Envelope:
        """The answer to a request, if it comes in time.

        Raises:
            OSError, HTTPException, ProtocolError, Malformed: it did not arrive, or its answer did not.
            Killed: the process ended meanwhile.
        """
        call = self._noted(executor, body, address)
        executor.come_to(CALL, call.method, BEFORE)
        self._travel()
        if executor.cut_side == BEFORE and self._is_cut(executor):
            self._lose(call, "lost on the way")
        if executor.late_by is not None:
            self._be_late(executor, call, address)
        reply = self._answered(call, address, timeout)
        self._travel()
        executor.come_to(CALL, call.method, AFTER)
        if executor.cut_side == AFTER and self._is_cut(executor):
            self._lose(call, "the answer lost")
        return self._understood(call, reply, timeout)

    def _noted(self, executor: Executor, body: Asked, address: str) -> Call:
        """The call; those that change something are in the record."""
        params = body.params
        call = Call(at=self._time.monotonic(), run=executor.run, method=body.method, params=params)
        if call.method.rpartition(".")[2] in READS:
            return call
        if call.method.removeprefix("Async.") in MOVES and address in self._hosts:
            call.vm = self._hosts[address][0].world.uuid("VM", params[1])
            host = params[2] if isinstance(params[2], str) else params[2]["host"]
            call.target = next(filter(None, (each.world.uuid("host", host) for each in self._simulators)), "")
        self._record.events.append(call)
        self._conduct.at_sending(call)
        return call

    def _answered(self, call: Call, address: str, timeout: float) -> Response:
        """What comes back from a host.

        Raises:
            OSError: nothing does.
        """
        began = self._time.monotonic()
        self._assert_there(address, timeout)
        simulator, host = self._hosts[address]
        door = Door(world=simulator.world, host=host, dispatcher=Witness(simulator, self._time, self._conduct, call))
        try:
            reply = door.answer(call.method, call.params, FORM)
        except ConnectionLost:
            self._lose(call, "the connection lost by the host")
        if self._time.monotonic() - began > timeout:
            call.heard = "the answer too late"
            raise TimeoutError
        return reply

    def _assert_there(self, address: str, timeout: float) -> None:
        """Pass where a host answers at *address*; an `OSError` where none does."""
        simulator, host = self._hosts.get(address, (None, ""))
        if simulator is None:
            raise ConnectionRefusedError(address)
        away = Door(world=simulator.world, host=host, dispatcher=Dispatcher(simulator.world)).is_away()
        if away == "silent":
            self._time.sleep(timeout)
            raise TimeoutError
        if away:
            raise ConnectionResetError(address)

    def _understood(self, call: Call, reply: Response, timeout: float) -> Envelope:
        """What *reply* says, once it is there."""
        call.heard = "something that is no answer"
        if reply.status != 200:
            raise ProtocolError("", reply.status, "no answer", {})
        if reply.cut is not None:
            raise IncompleteRead(b"")
        if reply.pause:
            self._time.sleep(min(timeout, reply.pause * len(reply.text)))
        if reply.pause * len(reply.text) > timeout:
            raise TimeoutError
        envelope = reply.text.envelope if isinstance(reply.text, Carried) else from_xml(reply.text.encode())
        call.heard = "done" if envelope["Status"] == "Success" else " ".join(envelope["ErrorDescription"])
        return envelope

    def _be_late(self, executor: Executor, call: Call, address: str) -> None:
        """Let a request arrive once its sender has given up or died."""
        seconds, executor.late_by = executor.late_by or 0.0, None

        def arrive() -> None:
            self._time.sleep(seconds)
            call.is_on_the_wire = False
            try:
                self._answered(call, address, seconds)
            except OSError:
                call.heard += "; nobody there"

        call.is_on_the_wire = True
        self._time.start(arrive)
        executor.assert_alive()
        self._lose(call, f"on its way for {seconds:.1f} s, the connection lost")

    def _lose(self, call: Call, words: str) -> None:
        call.heard = words
        raise ConnectionResetError(words)

    def _travel(self) -> None:
        self._time.sleep(self._chance.random() * SLOWEST_SECONDS)

    def _is_cut(self, executor: Executor) -> bool:
        return self._time.monotonic() < executor.cut_until
