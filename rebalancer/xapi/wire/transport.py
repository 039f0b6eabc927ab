"""Calls over HTTP(S) with a time-out and without silent repetition.

`xmlrpc.client.Transport` waits for ever and sends a request again when the connection breaks, which could migrate a VM
twice. Here a request is sent once; only a read, and only on a connection that was kept open from an earlier call, is
repeated on a new connection. Calls go out as XML-RPC, which every XAPI speaks; a read whose answer leaves a doubt is
asked again as JSON-RPC, which XenServer 7.0 and later speak and which escapes what has to be.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, RemoteDisconnected
from typing import Any, Final
from xml.parsers.expat import ExpatError
from xmlrpc.client import ProtocolError, Transport, loads

from rebalancer.xapi.wire.address import Address
from rebalancer.xapi.wire.answers import from_json, from_xml
from rebalancer.xapi.wire.connection import HostConnection
from rebalancer.xapi.wire.limits import ANSWER_BYTES
from rebalancer.xapi.wire.malformed import Malformed
from rebalancer.xapi.wire.unescaped import is_doubtful

STALE = (RemoteDisconnected, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
"""How a connection shows that the other side has closed it since the last call."""

JSON_PATH: Final = "/jsonrpc"


class SendOnce(Transport):
    """One connection, kept open; every request is sent exactly once."""

    def __init__(self, address: Address, context: ssl.SSLContext | None, timeout_seconds: float) -> None:
        super().__init__()
        self._address = address
        self._host = HostConnection(address, context, timeout_seconds)

    def connect(self) -> None:
        """Open the connection now, so that what goes wrong later went wrong after this.

        Raises:
            OSError: no connection; nothing was sent.
        """
        self._host.connect()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._host.close()

    def hurry(self, seconds: float) -> None:
        """Wait no longer than *seconds* for anything from now on; for signal handlers."""
        self._host.hurry(seconds)

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:  # noqa: ANN401, ARG002, FBT001, FBT002 - xmlrpc's; the address is ours
        """Send once and read the answer: a tuple of one envelope."""
        return (self._envelope(request_body, self._sent(handler, request_body, "text/xml")),)

    def _sent(self, path: str, body: bytes, kind: str) -> bytes:
        """The answer to one request.

        Raises:
            ProtocolError: it has another status than 200.
        """
        reply = self._host.ask("POST", path, body=body, headers={"Content-Type": kind}, most=ANSWER_BYTES)
        if reply.status != HTTPStatus.OK:
            raise ProtocolError(str(self._address), reply.status, reply.reason, {})
        return reply.body

    def _envelope(self, _asked: bytes, answer: bytes) -> dict[str, Any]:
        """The envelope in an *answer* to what was *_asked*.

        Raises:
            Malformed: it is none.
        """
        return from_xml(answer)


class RepeatOnStale(SendOnce):
    """For reads: asked again where a connection went stale since the last call, or an answer leaves a doubt."""

    def _sent(self, path: str, body: bytes, kind: str) -> bytes:
        """Send, and once more if an old connection turns out to be closed."""
        if self._host.is_disturbed:
            self._host.close()
        kept = self._host.is_open
        try:
            return super()._sent(path, body, kind)
        except STALE:
            if not kept:
                raise
        return super()._sent(path, body, kind)

    def _envelope(self, asked: bytes, answer: bytes) -> dict[str, Any]:
        """The envelope of the answer, from JSON where XML leaves a doubt.

        Raises:
            Malformed: it is none, or what XML cannot say stands in it and the host speaks no JSON.
        """
        if not is_doubtful(answer):
            with suppress(Malformed):
                return from_xml(answer)
        return self._as_json(asked) or from_xml(answer)

    def _as_json(self, asked: bytes) -> dict[str, Any] | None:
        """What the host answers to the same call in JSON; None where it does not, and of passwords nobody is asked."""
        try:
            params, method = loads(asked)
        except ExpatError:  # it names an object by letters that XML cannot hold
            return None
        if str(method).startswith("session."):
            return None
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            answer = from_json(self._sent(JSON_PATH, json.dumps(call).encode(), "application/json"))
        except (OSError, HTTPException, ProtocolError, Malformed):
            self.close()
            return None
        return answer if answer.get("Status") == "Success" else None


class Interruptible(RepeatOnStale):
    """A connection whose waiting another thread or a signal handler can end; it is of no use then."""

    def interrupt(self) -> None:
        """End what waits for an answer; no lock is taken."""
        self._host.interrupt()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """What the calls of a session go out over: reads, what changes a pool, and what waits for news.

    Each is made of an address, TLS settings and the seconds that a silence may last. Others than these lead to where no
    network goes, as into a simulated pool that lives in a time of its own.
    """

    reading: Callable[[Address, ssl.SSLContext | None, float], SendOnce] = RepeatOnStale
    sending: Callable[[Address, ssl.SSLContext | None, float], SendOnce] = SendOnce
    listening: Callable[[Address, ssl.SSLContext | None, float], Interruptible] = Interruptible


OVER_NETWORKS: Final = Wires()
"""Over HTTP(S), as XAPI is reached."""
