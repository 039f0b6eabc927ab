"""Which certificates are believed.

The decision is made inside the TLS handshake, before a byte of ours is sent, and by one `ssl.SSLContext` for calls and
metrics alike.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from rebalancer.errors import ConnectionSettingsError
from rebalancer.files.kinds import CA_FILE
from rebalancer.files.reading import content_of

OP_LEGACY_SERVER_CONNECT: Final = 0x4
"""OpenSSL's option to talk to servers without secure renegotiation; `ssl` names it from Python 3.12 on."""


class FingerprintMismatch(ssl.SSLError):
    """A host showed a certificate that is not pinned.

    Args:
        shown: SHA-256 of its certificate, in hex.
    """

    def __init__(self, shown: str) -> None:
        super().__init__(f"certificate with SHA-256 fingerprint {shown}")
        self.shown = shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What makes a certificate believable: the system's CAs, or one CA file, or nothing but pinned fingerprints.

    Every host of a pool has its own certificate, so a pool of self-signed hosts has one fingerprint a host.

    Args:
        ca_file: PEM file of the CA to trust in place of the system's.
        fingerprints: SHA-256 fingerprints, in hex, colons allowed; where there are any, nothing else counts.
        legacy: also take what old hosts offer and nobody should use any more: TLS 1.0, key exchange by RSA alone, weak
            keys. Who listens can read along later; that it is the right host the fingerprint tells.

    Raises:
        ConnectionSettingsError: a fingerprint is none, both ways are given, or old hosts are let in without one.
    """

    ca_file: Path | None = None
    fingerprints: frozenset[str] = frozenset()
    legacy: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprints", frozenset(map(_hex, self.fingerprints)))
        if self.ca_file and self.fingerprints:
            problem = "a CA file and fingerprints were given"
            raise ConnectionSettingsError(str(self.ca_file), problem, "Give one of the two")
        if self.legacy and not self.fingerprints:
            problem = "what old hosts offer is taken only from a host whose certificate is pinned"
            raise ConnectionSettingsError("legacy TLS", problem, "Pin it with --fingerprint (pool.fingerprints)")

    def context(self) -> ssl.SSLContext:
        """The TLS settings that enforce this.

        Raises:
            ConnectionSettingsError: the CA file is missing or holds no certificate.
        """
        if self.fingerprints:
            return _legacy(_pinned(self.fingerprints)) if self.legacy else _pinned(self.fingerprints)
        if self.ca_file is None:
            return ssl.create_default_context()
        try:
            return _believing(content_of(self.ca_file, CA_FILE))
        except (OSError, ValueError) as error:
            problem = f"no CA certificate can be read from it ({error})"
            raise ConnectionSettingsError(str(self.ca_file), problem, CA_FILE.remedy) from error


def _believing(content: bytes) -> ssl.SSLContext:
    """TLS settings that believe the CAs in a PEM file with that *content*."""
    text = content.decode("ascii", "replace").strip()
    if "-----BEGIN" not in text:  # `ssl` would believe the system's CAs where there is nothing
        raise ValueError("it holds none in PEM")
    return ssl.create_default_context(cadata=text)


class _PinnedSocket(ssl.SSLSocket):
    """A TLS socket that hangs up on certificates whose fingerprint is not among `fingerprints`."""

    fingerprints: ClassVar[frozenset[str]] = frozenset()

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of ssl.SSLSocket
        """Shake hands, then compare.

        Raises:
            FingerprintMismatch: the certificate is another one.
        """
        super().do_handshake(block)
        shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
        if shown not in self.fingerprints:
            self.close()
            raise FingerprintMismatch(shown)


def _pinned(fingerprints: frozenset[str]) -> ssl.SSLContext:
    """TLS settings that believe pinned certificates only, whoever issued them and whatever names they bear."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = type("PinnedSocket", (_PinnedSocket,), {"fingerprints": fingerprints})
    return context


def _legacy(context: ssl.SSLContext) -> ssl.SSLContext:
    """*context*, with everything allowed that OpenSSL still has."""
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
    context.options |= OP_LEGACY_SERVER_CONNECT
    return context


def _hex(fingerprint: str) -> str:
    plain = fingerprint.rpartition("=")[2].strip().replace(":", "").lower()  # openssl writes "sha256 Fingerprint="
    if not re.fullmatch("[0-9a-f]{64}", plain):
        raise ConnectionSettingsError(
            f"fingerprint {fingerprint!r}",
            "it is not a SHA-256 fingerprint of 64 hex digits",
            "Take it from `openssl x509 -in /etc/xensource/xapi-ssl.pem -noout -fingerprint -sha256` on the host",
        )
    return plain
