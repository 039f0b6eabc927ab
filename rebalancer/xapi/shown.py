"""The certificate that a host shows, before anybody has decided to believe it: nothing is sent but a handshake."""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from rebalancer.errors import CertificateMismatch
from rebalancer.xapi.translation import no_connection
from rebalancer.xapi.wire.address import Address
from rebalancer.xapi.wire.trust import Trust

SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The certificate of a host.

    Args:
        fingerprint: its SHA-256, in hex; empty with plain http on loopback.
        believed: whether it is trusted.
    """

    fingerprint: str
    believed: bool


def shown_by(address: Address, trust: Trust) -> Shown:
    """What the host at *address* shows, and whether *trust* believes it.

    Raises:
        XapiError: there is no connection, or no TLS.
    """
    if address.scheme == "http":
        return Shown(fingerprint="", believed=True)
    try:
        return Shown(fingerprint=_fingerprint(address, trust.context()), believed=True)
    except CertificateMismatch:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return Shown(fingerprint=_fingerprint(address, context), believed=False)


def _fingerprint(address: Address, context: ssl.SSLContext) -> str:
    """Of what the host shows in a handshake that *context* agrees to."""
    try:
        with (
            socket.create_connection((address.host, address.port), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address.host) as secured,
        ):
            return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
    except OSError as error:
        raise no_connection(str(address), error) from error
