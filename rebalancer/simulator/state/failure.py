"""The one exception of the simulated XAPI: a call that failed, as the wire says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ApiFailure(Exception):
    """A call failed with XAPI's error `code`, such as HOST_NOT_ENOUGH_FREE_MEMORY, and its parameters, all strings."""

    def __init__(self, code: str, *params: str) -> None:
        super().__init__(code, *params)
        self.code, self.params = code, params

    @property
    def description(self) -> list[str]:
        """ErrorDescription: the code, then its parameters."""
        return [self.code, *self.params]


class Unforeseen(ApiFailure):
    """A failure that XAPI's own code does not expect: it ends even the calls that otherwise collect failures."""


def refusal(call: Callable[..., object], *args: Any) -> list[str]:  # noqa: ANN401 - whatever the call takes
    """The description of the failure that a call ends in; empty if it succeeds."""
    try:
        call(*args)
    except ApiFailure as failure:
        return failure.description
    return []


class Cancelled(Exception):
    """The task of this call was cancelled; the task ends as `cancelled` with an empty error_info."""


class ConnectionLost(Exception):
    """The toolstack went away while the call ran: no answer is sent, the connection is reset."""
