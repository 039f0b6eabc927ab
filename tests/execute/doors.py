"""TLS in front of a simulated pool: each host behind a door of its own, with a certificate of its own."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rebalancer.simulator import Simulator


class Card:
    """A certificate that signs itself, for one name or address."""

    def __init__(self, name: str, folder: Path) -> None:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(tz=UTC)
        called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = (
            x509.CertificateBuilder()
            .subject_name(called)
            .issuer_name(called)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([_general(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.file = folder / f"{made.serial_number}.pem"
        plain = serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        self.file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        self.fingerprint = made.fingerprint(hashes.SHA256()).hex()

    def context(self) -> ssl.SSLContext:
        """What a server offers that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context


class Door:
    """A port that speaks TLS and passes everything on; `knocks` counts those who came, let in or not.

    While it is shut, who comes is hung up on before TLS is agreed on.
    """

    def __init__(self, address: tuple[str, int], behind: tuple[str, int], card: Card) -> None:
        self.card, self.shut, self.knocks = card, False, 0
        self.listen_in: Callable[[bytes], None] = lambda _: None
        self._behind = behind
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(address)
        self._address = self._listener.getsockname()
        self.port = self._address[1]
        self._begin()

    def cut(self) -> None:
        """End all connections that stand."""
        for each in tuple(self._open):
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def vanish(self) -> None:
        """Listen no more; whoever comes is refused."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def come_back(self) -> None:
        """Listen again."""
        self._listener = socket.create_server(self._address)
        self._begin()

    def _begin(self) -> None:
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.knocks += 1
                if self.shut:
                    connection.close()
                else:
                    threading.Thread(target=self._pass_on, args=(connection,), daemon=True).start()

    def _pass_on(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            outside = self.card.context().wrap_socket(connection, server_side=True)
            with outside, socket.create_connection(self._behind) as inside:
                self._open |= {outside, inside}
                threading.Thread(target=_pump, args=(inside, outside, lambda _: None), daemon=True).start()
                _pump(outside, inside, self.listen_in)
                self._open -= {outside, inside}


def _pump(source: socket.socket, target: socket.socket, listen_in: Callable[[bytes], None]) -> None:
    """Pass on what comes until one of both ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            listen_in(data)
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            socket.socket.shutdown(each, socket.SHUT_RDWR)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@contextmanager
def doors(simulator: Simulator, folder: Path, given: str) -> Iterator[tuple[str, dict[str, Door]]]:
    """The URL of the coordinator by the name *given*, and the doors by address, the coordinator's also by that name."""
    coordinator, *members = [url.removeprefix("http://").rpartition(":")[0] for url in simulator.urls.values()]
    inside = int(simulator.url.rpartition(":")[2])
    first = Door((given, 0), (coordinator, inside), Card(given, folder))
    hosts = [host for host in (coordinator, *members) if host != given]
    behind = {host: Door((host, first.port), (host, inside), Card(host, folder)) for host in hosts}
    found = {given: first, **behind}
    try:
        yield f"https://{given}:{first.port}", found
    finally:
        for door in found.values():
            with suppress(OSError):
                door.vanish()
