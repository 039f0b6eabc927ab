"""Hosts that speak TLS as real ones do, old ones, too, and their certificates."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
Files = Callable[..., Path]


@pytest.fixture
def certificate(tmp_path: Path) -> Files:
    """A function that writes a self-signed RSA certificate with its key."""

    def write(*, bits: int = 2048, address: str = "127.0.0.1", begins: int = -1, days: int = 30) -> Path:
        key = rsa.generate_private_key(65537, bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
        signed = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + timedelta(days=begins))
            .not_valid_after(NOW + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        plain = serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        (tmp_path / "key.pem").write_bytes(private)
        (tmp_path / "ca.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return tmp_path

    return write


def offered(files: Path, ciphers: str = "ALL:@SECLEVEL=0", *, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """What a host offers: one version of TLS and some ciphers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if version is not None:
        context.maximum_version = version
    context.set_ciphers(ciphers)
    context.load_cert_chain(files / "ca.pem", files / "key.pem")
    return context


def print_of(files: Path) -> str:
    """The certificate's fingerprint."""
    return sha256(ssl.PEM_cert_to_DER_cert((files / "ca.pem").read_text())).hexdigest()


def as_xenserver_7(files: Path) -> ssl.SSLContext:
    """TLS 1.2 with one cipher, without forward secrecy (xapi-project/xen-api#2295)."""
    return offered(files, "AES128-SHA:@SECLEVEL=0", version=ssl.TLSVersion.TLSv1_2)


def as_xenserver_6(files: Path) -> ssl.SSLContext:
    """TLS 1.0."""
    return offered(files, version=ssl.TLSVersion.TLSv1)
