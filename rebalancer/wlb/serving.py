"""Listening: TLS, how many may be connected at once, and how long a head may take to come."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from rebalancer.errors import ConnectionSettingsError, InputError
from rebalancer.xapi.wire.address import in_brackets

HEAD_SECONDS: Final = 10.0
AT_ONCE: Final = 200
"""Connections; each holds 64 KiB of head and 256 KiB of body at most."""
LONGEST_HEAD: Final = 64 * 1024
BACKLOG: Final = 128
LAST_SECONDS: Final = 5
"""How long answers under way may take once the server is to stop."""
HIGHEST_PORT: Final = 65535
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class PatientProtocol(H11Protocol):
    """HTTP that hangs up on whoever sends no whole head in time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _hang_up(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where to listen, and with which certificate.

    Args:
        address: `HOST:PORT`; port 0 picks a free one.
        certificate: PEM file; None without TLS, which is for loopback only.
        key: PEM file of its key.

    Raises:
        ConnectionSettingsError: it is no address, one of the files goes without the other, or there would be no TLS on
            a network.
    """

    address: str
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        """Pass where logins go nowhere in clear."""
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdecimal() or int(port) > HIGHEST_PORT:
            raise ConnectionSettingsError(f"--listen {self.address}", "it is no address", "Write HOST:PORT")
        if (self.certificate is None) != (self.key is None):
            raise ConnectionSettingsError("--tls-cert", "it goes with --tls-key", "Give both")
        if self.certificate is None and self.host not in LOOPBACK:
            problem = "XAPI speaks TLS, and logins would cross the network in clear"
            raise ConnectionSettingsError(f"--listen {self.address}", problem, "Give --tls-cert and --tls-key")
        if self.certificate and self.key:
            self._assert_usable(self.certificate, self.key)

    def _assert_usable(self, certificate: Path, key: Path) -> None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        except OSError as error:
            problem = f"certificate and key cannot be used: {error.strerror or error}"
            raise ConnectionSettingsError(str(certificate), problem, "Give PEM files that belong together") from error

    @property
    def host(self) -> str:
        """The host of the address, without brackets."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of the address."""
        return int(self.address.rpartition(":")[2])


class Listening:
    """An application that is served from a thread of its own, in a `with` block.

    Raises:
        InputError: the address is taken, or not for everybody.
    """

    def __init__(self, app: Any, listen: Listen) -> None:  # noqa: ANN401 - an ASGI application
        self._socket = _socket_of(listen)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                ssl_certfile=listen.certificate,
                ssl_keyfile=str(listen.key) if listen.key else None,
                http=PatientProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=AT_ONCE,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=LAST_SECONDS,
                h11_max_incomplete_event_size=LONGEST_HEAD,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="wlb", daemon=True)
        port = self._socket.getsockname()[1]
        self.address = f"{in_brackets(listen.host) or listen.host}:{port}"
        """As `wlb_url` wants it."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def _socket_of(listen: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return socket.create_server((listen.host, listen.port), family=family, backlog=BACKLOG)
    except OSError as error:
        problem = f"it cannot be listened on: {error.strerror or error}"
        raise InputError(f"--listen {listen.address}", problem, "Name another address") from error
