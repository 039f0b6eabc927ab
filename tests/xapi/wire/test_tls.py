"""Which TLS is spoken with whom, and why it is not, in words."""

from __future__ import annotations

import ssl

import pytest

from rebalancer.errors import CertificateMismatch, ConnectionSettingsError, Unreachable, XapiError
from rebalancer.xapi import Credentials, Trust, connect
from tests.xapi.scripted import scripted, success
from tests.xapi.wire.tls_hosts import Files, as_xenserver_6, as_xenserver_7, certificate, offered, print_of

__all__ = ["certificate"]
"""A fixture."""
ROOT = Credentials(user="root", password="simulator")
OLD = {"as RSA key exchange of XenServer 7": as_xenserver_7, "TLS 1.0 or 1.1 only": as_xenserver_6}


def refused(context: ssl.SSLContext, trust: Trust) -> XapiError:
    """Why a host is not talked to."""
    with scripted([success("OpaqueRef:S")], context=context) as server:
        with pytest.raises(XapiError) as raised:
            connect(server.url, ROOT, trust)
        assert server.asked == []
    return raised.value


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("said", OLD)
def test_an_old_host_is_named_and_let_in_on_demand(certificate: Files, said: str) -> None:
    """The cause is told with the way in; on demand the host is talked to, if its certificate is the pinned one."""
    files = certificate()
    context, pin = OLD[said](files), frozenset({print_of(files)})
    error = refused(context, Trust(fingerprints=pin))
    assert isinstance(error, Unreachable)
    assert said in error.problem
    assert "--legacy-tls" in error.remedy
    with scripted([success("OpaqueRef:S")], context=context) as server:
        assert connect(server.url, ROOT, Trust(fingerprints=pin, legacy=True)).session_ref == "OpaqueRef:S"
    other = Trust(fingerprints=frozenset({"00" * 32}), legacy=True)
    assert isinstance(refused(context, other), CertificateMismatch)


def test_old_hosts_have_to_be_pinned() -> None:
    """Without a fingerprint nothing says that an old host is the right one."""
    with pytest.raises(ConnectionSettingsError, match="Pin it with --fingerprint"):
        Trust(legacy=True)


@pytest.mark.parametrize(
    ("made", "said", "remedy"),
    [
        ({"begins": -9, "days": -1}, "its certificate has expired", "xe host-emergency-reset-server-certificate"),
        ({"begins": 1}, "its certificate is not valid yet", "clocks"),
        ({"address": "192.0.2.1"}, "its certificate is for another address", "--fingerprint"),
        ({"bits": 1024}, "too weak", "host-emergency-reset-server-certificate"),
    ],
)
def test_why_a_certificate_is_not_trusted(certificate: Files, made: dict[str, int], said: str, remedy: str) -> None:
    """Expired, not yet valid, of another name, too weak: each has its words, and its way out."""
    files = certificate(**made)
    error = refused(offered(files), Trust(ca_file=files / "ca.pem"))
    assert isinstance(error, CertificateMismatch)
    assert said in error.problem
    assert remedy in error.remedy


def test_a_pinned_certificate_may_be_expired(certificate: Files) -> None:
    """A pin is all that counts: an expired certificate of an old host is believed by its fingerprint."""
    files = certificate(begins=-9, days=-1)
    with scripted([success("OpaqueRef:S")], context=offered(files)) as server:
        connect(server.url, ROOT, Trust(fingerprints=frozenset({print_of(files)})))


def test_a_fallback_that_cannot_be_trusted_is_passed_over(certificate: Files) -> None:
    """Nobody is told that a certificate is wrong at an address that was only tried: the first one is what counts."""
    files = certificate()
    trust = Trust(fingerprints=frozenset({"00" * 32}))
    with scripted([success("OpaqueRef:S")], context=offered(files)) as stranger:
        dead = "https://127.0.0.1:1"
        with pytest.raises(Unreachable, match=f"{dead}: nothing listens there; nor does 1 other address answer"):
            connect(dead, ROOT, trust, fallbacks=[stranger.url])
        assert stranger.asked == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_ca_file_may_come_from_windows(certificate: Files, encoding: str) -> None:
    """A byte order mark before the CA's certificate is no part of it; alone it is no certificate."""
    files = certificate()
    text = (files / "ca.pem").read_text()
    (files / "windows.pem").write_text(text, encoding=encoding)
    with scripted([success("OpaqueRef:S")], context=offered(files)) as server:
        connect(server.url, ROOT, Trust(ca_file=files / "windows.pem"))
    (files / "windows.pem").write_text("\n", encoding=encoding)
    with pytest.raises(ConnectionSettingsError, match="no CA certificate can be read from it"):
        Trust(ca_file=files / "windows.pem").context()
