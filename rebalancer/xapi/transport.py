"""XML-RPC over HTTP(S) with a time-out and without silent repetition.

`xmlrpc.client.Transport` waits for ever and sends a request again when the connection breaks, which could migrate a VM
twice. Here a request is sent once; only a read, and only on a connection that was kept open from an earlier call, is
repeated on a new connection.
"""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPSConnection, RemoteDisconnected
from typing import Any
from xmlrpc.client import Transport

from rebalancer.version import __version__
from rebalancer.xapi.address import Address

STALE = (RemoteDisconnected, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
"""How a connection shows that the other side has closed it since the last call."""


class SendOnce(Transport):
    """One connection, kept open; every request is sent exactly once."""

    user_agent = f"rebalancer/{__version__}"

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


class RepeatOnStale(SendOnce):
    """For reads: a request that meets a connection which went stale since the last call is sent on a new one."""

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - xmlrpc's
        """Send, and once more if an old connection turns out to be closed."""
        kept = self._open is not None
        try:
            return self.single_request(host, handler, request_body, verbose)
        except STALE:
            self.close()
            if not kept:
                raise
        return self.single_request(host, handler, request_body, verbose)
