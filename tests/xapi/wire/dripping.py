"""A host that answers byte by byte, without an end."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def dripping(
    said: Iterable[bytes], *, pause: float = 0.05, context: ssl.SSLContext | None = None
) -> Iterator[tuple[int, threading.Event]]:
    """A port where every request is answered with *said*, piece by piece, and what tells that the client hung up."""
    gone, over = threading.Event(), threading.Event()

    def talk(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                answer(listener.accept()[0])

    def answer(connection: socket.socket) -> None:
        pieces = itertools.tee(said)
        with suppress(OSError), connection:
            talking = context.wrap_socket(connection, server_side=True) if context else connection
            talking.recv(65536)
            for piece in pieces[1]:
                talking.sendall(piece)
                if over.wait(pause):
                    return
        gone.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1], gone
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
