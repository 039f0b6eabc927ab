"""A server that answers each request as a test wrote it down: with an answer, a closed connection, or silence."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from xmlrpc.client import dumps

CLOSE = "close"
SILENCE = "silence"


def success(value: Any) -> bytes:  # noqa: ANN401 - what XAPI answers
    """XAPI's answer with a value."""
    return dumps(({"Status": "Success", "Value": value},), methodresponse=True).encode()


def failure(*details: str) -> bytes:
    """XAPI's answer with an error."""
    return dumps(({"Status": "Failure", "ErrorDescription": list(details)},), methodresponse=True).encode()


@dataclass
class Scripted:
    """What to answer, and what was asked: (number of the connection, method)."""

    script: list[bytes | str]
    port: int = 0
    scheme: str = "http"
    asked: list[tuple[int, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        """What was asked, whatever the connection."""
        return [method for _, method in self.asked]


@contextmanager
def scripted(
    script: Sequence[bytes | str], *, keep: bool = True, context: ssl.SSLContext | None = None
) -> Iterator[Scripted]:
    """A server that goes through *script*, one line a request; without *keep* it closes after each answer, unsaid.

    With a *context* it speaks TLS.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Scripted(list(script), listener.getsockname()[1], "https" if context else "http")
        thread = threading.Thread(target=_serve, args=(listener, server, keep, context), daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _serve(listener: socket.socket, server: Scripted, keep: bool, context: ssl.SSLContext | None) -> None:
    """Take connections one after another until the listener is closed."""
    number = 0
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        number += 1
        threading.Thread(target=_talk, args=(connection, server, number, keep, context), daemon=True).start()


def _talk(connection: socket.socket, server: Scripted, number: int, keep: bool, context: ssl.SSLContext | None) -> None:
    """Answer the requests of one connection."""
    if context is not None:
        try:
            connection = context.wrap_socket(connection, server_side=True)
        except OSError:  # the client does not like what is offered
            connection.close()
            return
    with connection, connection.makefile("rb") as stream:
        while request := _request(stream):
            server.asked.append((number, request))
            line = server.script.pop(0) if server.script else CLOSE
            if line == SILENCE:
                threading.Event().wait(3)
            if isinstance(line, str):
                return
            connection.sendall(line if line.startswith(b"HTTP") else _wrapped(line))
            if not keep:
                return


def _request(stream: Any) -> str:  # noqa: ANN401 - a socket's file
    """The method that a request calls, or its path; nothing at the end of the connection."""
    first = stream.readline().decode("latin-1")
    if not first:
        return ""
    length = 0
    while (header := stream.readline().decode("latin-1").strip()) != "":
        if header.lower().startswith("content-length:"):
            length = int(header.split(":")[1])
    body = stream.read(length).decode()
    found = re.search("<methodName>(.*?)</methodName>", body)
    return found[1] if found else first.split()[1] if " " in first else first


def _wrapped(body: bytes) -> bytes:
    """A whole HTTP answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(body) + body
