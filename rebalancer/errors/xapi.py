"""Talking to a pool went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.errors.base import Located


class XapiError(Located):
    """Talking to the pool went wrong, at the host or URL that was asked."""


class LoginRefused(XapiError):
    """The pool does not accept these credentials."""


class CertificateMismatch(XapiError):
    """The certificate is neither trusted nor the pinned one."""


class Unreachable(XapiError):
    """No connection, or no answer to a call that changes nothing."""


class OutcomeUnknown(XapiError):
    """A call that changes the pool was sent, and no answer came: only the pool knows whether it runs."""


class RefusedByXapi(XapiError):
    """XAPI answered with an error.

    Args:
        where: the call.
        code: XAPI's error code.
        params: the code's parameters, as sent.
    """

    def __init__(self, where: str, code: str, params: Sequence[str]) -> None:
        super().__init__(where, " ".join([code, *params]), "Look the code up in the XenAPI reference")
        self.code, self.params = code, tuple(params)
