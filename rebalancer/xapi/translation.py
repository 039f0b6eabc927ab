"""XenAPI, XML-RPC, TLS and socket errors become errors of ours: the one module where that happens."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final
from xmlrpc.client import Fault, ProtocolError

import httpx
from XenAPI import Failure

from rebalancer.errors import (
    InventoryError,
    LoginRefused,
    OutcomeUnknown,
    RefusedByXapi,
    Unreachable,
    UnreadableKey,
    XapiError,
)
from rebalancer.xapi.called import NOBODY, Called
from rebalancer.xapi.tls import LOOK, no_trust
from rebalancer.xapi.wire import Malformed
from rebalancer.xapi.words import told

NOT_XAPI: Final = "Check the address: it has to be a XenServer or XCP-ng host"

MALFORMED = (ProtocolError, Fault, HTTPException, Malformed, UnicodeError)
"""What reading an answer raises that is not XAPI's; `UnicodeError` comes of names that no host can have."""


@contextmanager
def reading(where: str, called: Called = NOBODY) -> Iterator[None]:
    """Translate what a call raises that changes nothing; objects are named as they are *called*.

    Raises:
        LoginRefused: user or password is wrong.
        RefusedByXapi: XAPI answered with another code.
        CertificateMismatch: the certificate is not trusted.
        Unreachable: no connection, no answer, or an answer that is not XAPI's.
    """
    try:
        yield
    except Failure as failure:
        raise refusal(where, failure, called) from failure
    except OSError as error:
        raise no_connection(where, error) from error
    except MALFORMED as error:
        raise _not_xapi(where, error) from error


def value_of(envelope: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what XAPI answers
    """The value in XAPI's answer; a `Failure` where it refused."""
    if envelope["Status"] == "Success":
        return envelope["Value"]
    raise Failure(envelope["ErrorDescription"])


@contextmanager
def understanding(where: str) -> Iterator[None]:
    """Translate what goes wrong while a record is looked at that no XAPI sends.

    Raises:
        Unreachable: a field is missing, or is of another type.
    """
    try:
        yield
    except (InventoryError, LookupError, TypeError, ValueError) as error:
        raise _not_xapi(where, error) from error


@contextmanager
def sending(where: str, call: str, called: Called = NOBODY) -> Iterator[None]:
    """Translate what a call raises that changes the pool, once the connection stands; as `reading` names objects.

    Raises:
        RefusedByXapi: XAPI answered with a code.
        OutcomeUnknown: whatever else happened, nobody but the pool knows whether the call runs.
    """
    try:
        yield
    except Failure as failure:
        raise refusal(call, failure, called) from failure
    except (OSError, *MALFORMED) as error:
        problem = f"{call} was sent and no answer came ({_short(error)})"
        raise OutcomeUnknown(where, problem, "Look at the VM in the pool") from error


def refusal(where: str, failure: Failure, called: Called = NOBODY) -> XapiError:
    """An answer with an error code."""
    code, *params = map(called.told, failure.details)
    if code == "SESSION_AUTHENTICATION_FAILED":
        user, reason = (*params, "", "")[:2]
        said = f" (the pool says: {reason})" if reason else ""
        return LoginRefused(where, f"user {user} or its password is refused{said}", "Check both")
    words = told(code, params)
    return (
        RefusedByXapi(where, code, params, words.problem, words.remedy) if words else RefusedByXapi(where, code, params)
    )


def no_connection(where: str, error: OSError) -> XapiError:
    """No connection, or none that may be trusted."""
    if isinstance(error, ssl.SSLError):
        return no_trust(where, error)
    return Unreachable(where, _why(error), LOOK)


def why_not_fetched(error: httpx.HTTPError | httpx.InvalidURL) -> str:
    """Why an HTTP request has no answer, in words; httpx hides the socket's error some causes deep."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLError):
        return no_trust("", cause).problem
    return "no answer in time" if isinstance(error, httpx.TimeoutException) else _why(cause or OSError(str(error)))


def _why(error: OSError) -> str:
    match error:
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "nothing listens there"
        case ConnectionResetError():
            return "the connection was closed while waiting for an answer"
        case socket.gaierror():
            return "there is no host of that name"
        case _:
            return f"no connection ({error.strerror or error})"


def _not_xapi(where: str, error: BaseException) -> Unreachable:
    """Something answers that is not XAPI; XenAPI's own login dresses the kernel's time-out as an answer."""
    if isinstance(error, Fault) and error.faultCode == HTTPStatus.GATEWAY_TIMEOUT:
        return Unreachable(where, "no answer in time", LOOK)
    if isinstance(error, Malformed) and error.key:
        return UnreadableKey(where, error.key)
    return Unreachable(where, f"it answers, but not as XAPI does ({_short(error)})", NOT_XAPI)


def _short(error: BaseException) -> str:
    if isinstance(error, ProtocolError):
        return f"HTTP {error.errcode} {error.errmsg}"
    if isinstance(error, Fault):
        return NOBODY.told(error.faultString)[:100]
    return NOBODY.told(f"{type(error).__name__}: {error}")[:100].replace("\n", " ")
