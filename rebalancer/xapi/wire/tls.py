"""Why there is no TLS connection that may be trusted, in words: what OpenSSL says, and what it means on a XenServer."""

from __future__ import annotations

import ssl
from typing import Final

from rebalancer.errors import CertificateMismatch, Unreachable, XapiError
from rebalancer.xapi.wire.trust import FingerprintMismatch

PIN: Final = "Name the CA with --ca-file, or pin the certificate with --fingerprint"
LET_IN: Final = (
    'If you trust the network, let it in with --legacy-tls (nightly: pool.tls = "legacy") and its pinned fingerprint'
)
RENEW: Final = "Renew it with `xe host-emergency-reset-server-certificate` on the host, or pin it with --fingerprint"
LOOK: Final = "Check the address, that the host runs and that no firewall is in between"

OLD_TLS: Final = "it speaks TLS 1.0 or 1.1 only, as XenServer 6.5 and older do"
OLD_KEYS: Final = "it offers only settings that are refused here, as RSA key exchange of XenServer 7.x and older"
WEAK: Final = "its certificate or keys are too weak to be believed"

_OLD: Final = {
    "HANDSHAKE_FAILURE": OLD_KEYS,
    "INSUFFICIENT_SECURITY": OLD_KEYS,
    "NO_SHARED_CIPHER": OLD_KEYS,
    "WRONG_CIPHER_RETURNED": OLD_KEYS,
    "UNSUPPORTED_PROTOCOL": OLD_TLS,
    "PROTOCOL_VERSION": OLD_TLS,
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "it has no secure renegotiation, as XenServer 6.x",
    "KEY_TOO_SMALL": WEAK,
    "MD_TOO_WEAK": WEAK,
    "SIGALG_DISALLOWED": WEAK,
    "WRONG_SIGNATURE_TYPE": WEAK,
    "NO_SUITABLE_SIGNATURE_ALGORITHM": WEAK,
}
"""Parts of OpenSSL's reasons that old hosts give."""

_UNTRUSTED: Final = {
    9: ("its certificate is not valid yet: the clock of this machine or of the host is wrong", "Set the clocks right"),
    10: ("its certificate has expired", RENEW),
    62: ("its certificate is for another name", "Use a name that stands in it, or pin it with --fingerprint"),
    64: ("its certificate is for another address", "Use a name that stands in it, or pin it with --fingerprint"),
    66: ("its certificate has a key that is too weak", RENEW),
    67: ("its CA has a key that is too weak", PIN),
    68: ("its certificate is signed in a way that is too weak", RENEW),
}
"""OpenSSL's codes of verification, `X509_V_ERR_*`."""


def no_trust(where: str, error: ssl.SSLError) -> XapiError:
    """A TLS connection that could not be made, or must not be trusted."""
    if isinstance(error, FingerprintMismatch):
        problem = f"its certificate has the SHA-256 fingerprint {error.shown}, which is not pinned"
        remedy = "Compare it on the host itself; if it is right, add it with --fingerprint"
        return CertificateMismatch(where, problem, remedy)
    if isinstance(error, ssl.SSLCertVerificationError):
        known, remedy = _UNTRUSTED.get(error.verify_code, ("its certificate is not trusted", PIN))
        return CertificateMismatch(where, f"{known} ({error.verify_message})", remedy)
    reason = error.reason or str(error)
    for part, problem in _OLD.items():
        if part in reason:
            return Unreachable(where, f"no TLS connection: {problem} ({reason})", LET_IN)
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}:
        return Unreachable(where, f"no TLS connection: something answers that speaks no TLS ({reason})", LOOK)
    return Unreachable(where, f"no TLS connection ({reason})", LOOK)
