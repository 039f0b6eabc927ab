"""Hearing of changes to single objects by one blocked call at a time, on a connection of its own.

`event.from` answers as soon as one of the objects has changed since a token, so that no change is missed between two
calls. A token belongs to one login at one host: whoever logs in anew asks how all objects stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xmlrpc.client import ServerProxy

from rebalancer.errors import XapiError
from rebalancer.inventory.records import Record
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.translation import reading, understanding, value_of
from rebalancer.xapi.wire.transport import Interruptible

LONGEST_SECONDS: Final = 30.0
"""How long the host is let wait at most."""
GRACE_SECONDS: Final = 10.0
"""How much longer than that an answer may take."""
NO_TOKEN: Final = ""
"""In the place of a token: how the objects stand is told at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEvent:
    """How an object stands: its class in small letters, and its record; None where it is gone."""

    kind: str
    ref: str
    record: Record | None


class Listener:
    """Tells of changes, as a *session* may read them; objects go by class and reference, as in `task/OpaqueRef:1`."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._token, self._login = NO_TOKEN, ""
        self._transport: Interruptible | None = None
        self._woken = False

    def changes(self, objects: Sequence[str], seconds: float) -> tuple[ObjectEvent, ...]:
        """What has changed of *objects* since the last call; by the first call, how each stands.

        Nothing where *seconds* are over before, or `wake` was called.

        Raises:
            XapiError: the pool cannot tell, or does not answer; the next call begins anew.
        """
        try:
            return () if self._woken else self._asked(objects, seconds)
        except XapiError:
            self.close()
            if not self._woken:
                raise
            return ()
        finally:
            self._woken = False

    def wake(self) -> None:
        """End a call of `changes`, or have the next one end at once; for signal handlers and other threads."""
        self._woken = True
        if self._transport is not None:
            self._transport.interrupt()

    def close(self) -> None:
        """Close the connection, and begin anew with the next call."""
        self._token = NO_TOKEN
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _asked(self, objects: Sequence[str], seconds: float) -> tuple[ObjectEvent, ...]:
        session = self._session
        session.log_in()
        login = f"{session.url} {session.session_ref}"
        if login != self._login:
            self.close()
            self._login = login
        if self._transport is None:
            self._transport = session.wires.listening(session.address, session.context, LONGEST_SECONDS + GRACE_SECONDS)
        proxy = ServerProxy(session.url, transport=self._transport)
        limit = min(max(0.0, seconds), LONGEST_SECONDS)
        with reading(session.url, session.called), understanding(session.url):
            answer = getattr(proxy, "event.from")(session.session_ref, list(objects), self._token, limit)
            found = value_of(answer)
            events = tuple(map(_event, found["events"]))
            self._token = str(found["token"])
        return events


def _event(told: Mapping[str, Any]) -> ObjectEvent:
    record = None if told["operation"] == "del" else dict(told["snapshot"])
    return ObjectEvent(kind=str(told["class"]).lower(), ref=str(told["ref"]), record=record)
