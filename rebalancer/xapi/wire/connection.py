"""One HTTP(S) connection to a host; every request on it is sent once, and every answer ends in time or not at all."""

from __future__ import annotations

import io
import selectors
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any, Final

from rebalancer.version import __version__
from rebalancer.xapi.wire.address import Address
from rebalancer.xapi.wire.limits import BYTES_A_SECOND, MEBI, PATIENCE_FACTOR
from rebalancer.xapi.wire.malformed import Malformed

USER_AGENT: Final = f"rebalancer/{__version__}"
UNHEARD_SECONDS: Final = 20.0
"""How long the system tries to get bytes through that nobody acknowledges, the process being dead or alive.

So no request arrives later than that, as after a network was away: whoever looks what became of it waits longer.
"""
AT_ONCE: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer; `body` is empty where the status is not 200, because nobody reads it."""

    status: int
    reason: str
    body: bytes


class HostConnection:
    """A connection that is opened by the first request, and kept.

    Args:
        address: of the host.
        context: TLS settings; of no use for plain HTTP.
        seconds: how long connecting, and every silence, may last, and an answer but for what `BYTES_A_SECOND` add. A
            whole answer takes no longer than `PATIENCE_FACTOR` times that.
    """

    def __init__(self, address: Address, context: ssl.SSLContext | None, seconds: float) -> None:
        self._address, self._context, self._seconds = address, context, seconds
        self._open: HTTPConnection | None = None
        self._interrupted = False

    @property
    def is_open(self) -> bool:
        """Whether the next request goes over a connection that has served before."""
        return self._open is not None

    @property
    def is_disturbed(self) -> bool:
        """Whether something waits to be read on a kept connection: its end, or what nobody has asked for."""
        sock = self._open.sock if self._open else None
        if sock is None:
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            return bool(selector.select(0)) or (isinstance(sock, ssl.SSLSocket) and sock.pending() > 0)

    def connect(self) -> None:
        """Open the connection now, so that what goes wrong later went wrong after this.

        Raises:
            OSError: no connection; nothing was sent.
        """
        self._connected()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def interrupt(self) -> None:
        """End what waits for an answer, from another thread or a signal handler; the connection is of no use then."""
        self._interrupted = True
        self._shut_down()

    def hurry(self, seconds: float) -> None:
        """Wait no longer than *seconds* for anything from now on; what waits for longer just now ends without answer.

        A signal handler may call it.
        """
        if seconds < self._seconds:
            self._seconds = seconds
            self._shut_down()

    def _shut_down(self) -> None:
        waiting = self._open.sock if self._open else None
        if waiting is not None:
            with suppress(OSError):  # past TLS, which may be in the middle of a read
                socket.socket.shutdown(waiting, socket.SHUT_RDWR)

    def ask(
        self, method: str, path: str, *, most: int, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send one request, once, and read the answer.

        Args:
            method: of HTTP.
            path: with its query.
            most: bytes that the answer may have.
            body: what is sent along.
            headers: besides those that HTTP wants.

        Raises:
            OSError: no connection, or no whole answer in time.
            HTTPException: what answers does not speak HTTP.
            Malformed: the answer is packed or too long.
        """
        try:
            connection, began = self._connected(), time.monotonic()
            connection.sock.settimeout(self._seconds)
            connection.response_class = partial(_timed, self._seconds, began)  # type: ignore[assignment]  # a callable does
            connection.request(method, path, body, {"User-Agent": USER_AGENT, **(headers or {})})
            with connection.getresponse() as response:
                read = response.status == HTTPStatus.OK
                reply = Reply(
                    status=response.status,
                    reason=response.reason,
                    body=_whole(response, most) if read else b"",
                )
                if not read or response.will_close:
                    self.close()
        except BaseException:
            self.close()
            raise
        return reply

    def _connected(self) -> HTTPConnection:
        if self._open is None:
            ours, seconds = self._address, self._seconds
            if ours.scheme == "http":
                opened = HTTPConnection(ours.host, ours.port, timeout=seconds)
            else:
                opened = HTTPSConnection(ours.host, ours.port, timeout=seconds, context=self._context)
            try:
                opened.connect()
                _give_up_in_time(opened)
            except BaseException:
                opened.close()
                raise
            self._open = opened
        if self._interrupted:
            raise InterruptedError("somebody wants to go on")
        return self._open


def _give_up_in_time(connection: HTTPConnection) -> None:
    """Let the system drop what it cannot send; systems without that setting send on for minutes."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNHEARD_SECONDS * 1000))


def _whole(response: HTTPResponse, most: int) -> bytes:
    """The body of an answer.

    Raises:
        Malformed: it has more than *most* bytes, or is packed.
    """
    if (packed := response.getheader("Content-Encoding", "identity").lower()) != "identity":
        raise Malformed(f"an answer that is packed ({packed[:20]})")
    body = bytearray()
    while (response.length or 0) + len(body) <= most and (chunk := response.read(AT_ONCE)):
        body += chunk
    if (response.length or 0) + len(body) > most:
        raise Malformed(f"an answer of more than {most // MEBI} MiB")
    if response.length:
        raise IncompleteRead(bytes(body[:AT_ONCE]), response.length)
    return bytes(body)


def _timed(seconds: float, began: float, sock: socket.socket, **options: Any) -> HTTPResponse:  # noqa: ANN401 - http.client's
    return HTTPResponse(_Timed(sock, seconds, began), **options)  # type: ignore[arg-type]  # it has what is used of one


class _Timed(io.RawIOBase):
    """What comes from a socket in time, counted from when it *began*, each silence no longer than *seconds*."""

    def __init__(self, sock: socket.socket, seconds: float, began: float) -> None:
        self._socket, self._seconds, self._began, self._come = sock, seconds, began, 0
        self._stream = sock.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Itself, as `http.client` wants it of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        """As sockets do it.

        Raises:
            TimeoutError: nothing came, or too little.
        """
        left = self._began + self._may_take() - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer does not end")
        self._socket.settimeout(min(self._seconds, left))
        read = self._stream.readinto(buffer)
        self._come += read or 0
        return read

    def _may_take(self) -> float:
        """Seconds for as much as has come by now."""
        return min(PATIENCE_FACTOR * self._seconds, self._seconds + self._come / BYTES_A_SECOND)

    def close(self) -> None:
        """Let go of the socket, which is closed once its connection is."""
        self._stream.close()
        super().close()
