"""A Workload Balancing server that says what it is told to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(method: str, inside: str) -> bytes:
    """A raw answer to a method."""
    body = (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><{method}Response><{method}Result>{inside}</{method}Result>'
        f"</{method}Response></s:Body></s:Envelope>"
    ).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Stub:
    """What is said next, and what was asked."""

    def __init__(self) -> None:
        self.says = b""
        self.asked: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"127.0.0.1:{self._listening.getsockname()[1]}"
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self.asked.append(_request(connection))
                connection.sendall(self.says)


def _request(connection: socket.socket) -> str:
    raw = b""
    while b"</s:Envelope>" not in raw and (part := connection.recv(65536)):
        raw += part
    return raw.decode()


@contextmanager
def stub() -> Iterator[Stub]:
    """A server for the length of a block."""
    server = Stub()
    try:
        yield server
    finally:
        server.close()
