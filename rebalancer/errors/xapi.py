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


class NotReady(Unreachable):
    """Nothing listens, the connection broke off, or HTTP 503: a toolstack that restarts, or a host that boots."""


class UnreadableKey(Unreachable):
    """A key of a map holds markup that XAPI does not escape, so that its answer cannot be read without a guess.

    Args:
        where: the URL that was asked.
        key: the key, as far as one can tell where it ends.
        holder: the object that has it, such as `VM web-01 (uuid)`.
    """

    def __init__(self, where: str, key: str, holder: str = "") -> None:
        problem = f"{holder or 'an object'} has the key {key!r} in one of its maps, and XAPI sends it unescaped"
        super().__init__(
            where, problem, "Remove the key, with `xe vm-param-remove` and its like, or give it another name"
        )
        self.key, self.holder = key, holder


class OutcomeUnknown(XapiError):
    """A call that changes the pool was sent, and no answer came: only the pool knows whether it runs."""


class RefusedByXapi(XapiError):
    """XAPI answered with an error.

    Args:
        where: the call.
        code: XAPI's error code.
        params: the code's parameters, as sent, or as people call the objects in them.
        words: what that means; without them code and parameters have to do.
        remedy: what to do about it.
    """

    def __init__(self, where: str, code: str, params: Sequence[str], words: str = "", remedy: str = "") -> None:
        said = " ".join([code, *params])
        super().__init__(
            where, f"{words} ({said})" if words else said, remedy or "Look the code up in the XenAPI reference"
        )
        self.code, self.params = code, tuple(params)
