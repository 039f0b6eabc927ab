"""Calls over HTTP(S) with a time-out and without silent repetition.

`xmlrpc.client.Transport` waits for ever and sends a request again when the connection breaks, which could migrate a VM
twice. Here a request is sent once; only a read, and only on a connection that was kept open from an earlier call, is
repeated on a new connection. Calls go out as XML-RPC, which every XAPI speaks; a read whose answer leaves a doubt is
asked again as JSON-RPC, which XenServer 7.0 and later speak and which escapes what has to be.
"""

from __future__ import annotations

import json
import ssl
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, RemoteDisconnected
from typing import Any, Final
from xmlrpc.client import Transport, loads

from rebalancer.version import __version__
from rebalancer.xapi.address import Address
from rebalancer.xapi.wire import Malformed, from_json, from_xml, is_doubtful

STALE = (RemoteDisconnected, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
"""How a connection shows that the other side has closed it since the last call."""

JSON_PATH: Final = "/jsonrpc"


class SendOnce(Transport):
    """One connection, kept open; every request is sent exactly once."""

    user_agent = f"rebalancer/{__version__}"
    accept_gzip_encoding = False

    def __init__(self, address: Address, context: ssl.SSLContext | None, timeout_seconds: float) -> None:
        super().__init__()
        self._address, self._context, self._timeout = address, context, timeout_seconds
        self._open: HTTPConnection | None = None

    def connect(self) -> None:
        """Open the connection now, so that what goes wrong later went wrong after this.

        Raises:
            OSError: no connection; nothing was sent.
        """
        self.make_connection("").connect()

    def make_connection(self, host: Any) -> HTTPConnection:  # noqa: ANN401, ARG002 - xmlrpc's; the address is ours
        """The one connection, made where there is none."""
        if self._open is None:
            ours, seconds = self._address, self._timeout
            if ours.scheme == "http":
                self._open = HTTPConnection(ours.host, ours.port, timeout=seconds)
            else:
                self._open = HTTPSConnection(ours.host, ours.port, timeout=seconds, context=self._context)
        return self._open

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - xmlrpc's
        """Send once and read the answer."""
        return self.single_request(host, handler, request_body, verbose)

    def parse_response(self, response: HTTPResponse) -> Any:  # noqa: ANN401 - xmlrpc's: a tuple of one value
        """The envelope of the answer.

        Raises:
            Malformed: it is none.
        """
        return (from_xml(response.read()),)


class RepeatOnStale(SendOnce):
    """For reads: asked again where a connection went stale since the last call, or an answer leaves a doubt."""

    _asked: bytes = b""

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - xmlrpc's
        """Send, and once more if an old connection turns out to be closed."""
        kept, self._asked = self._open is not None, request_body
        try:
            return self.single_request(host, handler, request_body, verbose)
        except STALE:
            self.close()
            if not kept:
                raise
        return self.single_request(host, handler, request_body, verbose)

    def parse_response(self, response: HTTPResponse) -> Any:  # noqa: ANN401 - xmlrpc's: a tuple of one value
        """The envelope of the answer, from JSON where XML leaves a doubt.

        Raises:
            Malformed: it is none, or what XML cannot say stands in it and the host speaks no JSON.
        """
        body = response.read()
        if not is_doubtful(body):
            with suppress(Malformed):
                return (from_xml(body),)
        return (self._as_json() or from_xml(body),)

    def _as_json(self) -> dict[str, Any] | None:
        """What the host answers to the same call in JSON; None where it does not, and of passwords nobody is asked."""
        params, method = loads(self._asked)
        if str(method).startswith("session."):
            return None
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"Content-Type": "application/json", "User-Agent": self.user_agent}
        connection = self.make_connection("")
        try:
            connection.request("POST", JSON_PATH, json.dumps(call).encode(), headers)
            response = connection.getresponse()
            body = response.read()
            answer = from_json(body) if response.status == HTTPStatus.OK else {}
        except (OSError, HTTPException, Malformed):
            self.close()
            return None
        return answer if answer.get("Status") == "Success" else None
