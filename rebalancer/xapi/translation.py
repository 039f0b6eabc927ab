"""XenAPI, XML-RPC, TLS and socket errors become errors of ours: the one module where that happens."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from typing import Any, Final
from xmlrpc.client import Fault, ProtocolError

from XenAPI import Failure

from rebalancer.errors import (
    InventoryError,
    LoginRefused,
    NotReady,
    OutcomeUnknown,
    RefusedByXapi,
    Unreachable,
    UnreadableKey,
    XapiError,
)
from rebalancer.xapi.called import NOBODY, Called
from rebalancer.xapi.wire.malformed import Malformed
from rebalancer.xapi.wire.tls import LOOK, no_trust
from rebalancer.xapi.words import told

NOT_XAPI: Final = "Check the address: it has to be a XenServer or XCP-ng host"

BUSY: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""How HTTP says that a host is there and answers later."""

NO_ROUTE: Final = frozenset({errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH})
"""What the network says of a host that boots."""

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
    if isinstance(error, ssl.SSLEOFError):
        return NotReady(where, "the connection was closed while TLS was agreed on", LOOK)
    if isinstance(error, ssl.SSLError):
        return no_trust(where, error)
    return (NotReady if _is_brief(error) else Unreachable)(where, _why(error), LOOK)


def _is_brief(error: OSError) -> bool:
    """Whether a host that restarts, or a network that does, may be behind *error*."""
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    return isinstance(error, ConnectionError) or error.errno in NO_ROUTE


def _why(error: OSError) -> str:
    match error:
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "nothing listens there"
        case ConnectionError():
            return "the connection was closed while waiting for an answer"
        case socket.gaierror() if _is_brief(error):
            return "no name server answers"
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
    if isinstance(error, IncompleteRead):
        return NotReady(where, "the connection was closed in the middle of an answer", LOOK)
    if isinstance(error, ProtocolError) and error.errcode in BUSY:
        return NotReady(where, f"it is not available for the moment ({_short(error)})", LOOK)
    return Unreachable(where, f"it answers, but not as XAPI does ({_short(error)})", NOT_XAPI)


def _short(error: BaseException) -> str:
    if isinstance(error, ProtocolError):
        return f"HTTP {error.errcode} {error.errmsg}"
    if isinstance(error, Fault):
        return NOBODY.told(error.faultString)[:100]
    return NOBODY.told(f"{type(error).__name__}: {error}")[:100].replace("\n", " ")
