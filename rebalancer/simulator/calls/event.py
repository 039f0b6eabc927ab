"""Events (xapi_event.ml): what changed since a token or, as in the days before tokens, since a session was told."""

from __future__ import annotations

import re
from hashlib import md5
from typing import Any

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.state.database import Change
from rebalancer.simulator.state.failure import ApiFailure, ConnectionLost
from rebalancer.simulator.state.schema import class_names
from rebalancer.simulator.state.world import Registration

HOLD_BACK_SECONDS = 0.05
# Sessions are records, but no client is told about them.
SILENT = {"session"}


def event_from(context: Context, classes: list[str], token: str, timeout: float) -> dict[str, Any]:
    """Events of the classes ("*", a class, or class/ref) after the token, at most one an object.

    Raises:
        ApiFailure: EVENT_FROM_TOKEN_PARSE_FAILURE [token]; SESSION_INVALID when the session ends meanwhile.
    """
    match = re.fullmatch(r"(\d+),(\d+)", token or "0,0")
    if match is None:
        raise ApiFailure("EVENT_FROM_TOKEN_PARSE_FAILURE", token)
    since = int(match[1])
    database, timing = context.world.database, context.world.timing
    deadline = timing.monotonic() + float(timeout)
    wanted = _subscriptions(classes)
    with database.lock:
        while not (found := [c for c in database.changes(since) if _matches(c, wanted)]):
            left = deadline - timing.monotonic()
            if left <= 0.0:
                return _batch(context, [], since)
            _wait(context, left)
    if since:
        context.world.wait(HOLD_BACK_SECONDS)
    with database.lock:
        found = [c for c in database.changes(since) if _matches(c, wanted)]
        return _batch(context, found, database.generation)


def register(context: Context, classes: list[str]) -> None:
    """Let event.next tell this session of classes, "*" for all, or class/ref, from now on."""
    listener = _listener(context)
    listener.wanted = [*_subscriptions(classes), *listener.wanted]


def unregister(context: Context, classes: list[str]) -> None:
    """Let event.next tell this session no more of these."""
    listener, unwanted = _listener(context), _subscriptions(classes)
    listener.wanted = [name for name in listener.wanted if name not in unwanted]


def event_next(context: Context) -> list[dict[str, Any]]:
    """What changed since this session was last told, in the order of changes; waits until something did.

    Raises:
        ApiFailure: SESSION_NOT_REGISTERED [hash of the session]; SESSION_INVALID when the session ends meanwhile.
    """
    database = context.world.database
    with database.lock:
        if context.session not in context.world.listeners:
            digest = md5(context.session.encode(), usedforsecurity=False).hexdigest()
            raise ApiFailure("SESSION_NOT_REGISTERED", f"trackid={digest}")
        listener = _listener(context)
        while True:
            found = [each for each in database.changes(listener.told) if _matches(each, listener.wanted)]
            listener.told = database.generation
            if found:
                return [_event(each) for each in sorted(found, key=lambda each: each.generation)]
            _wait(context, 1.0)


def _listener(context: Context) -> Registration:
    with context.world.database.lock:
        new = Registration(told=context.world.database.generation)
        return context.world.listeners.setdefault(context.session, new)


def inject(context: Context, cls: str, ref: str) -> str:
    """Make an object look changed, and return a token after which its next change comes."""
    name = class_names().get(cls.lower(), cls)
    with context.world.database.lock:
        context.world.database.change(name, ref)
        return _token(context.world.database.generation)


def _token(generation: int) -> str:
    return f"{generation:020d},{0:020d}"


def _wait(context: Context, seconds: float) -> None:
    context.world.database.changed.wait(min(seconds, 1.0))
    if context.world.stopping.is_set():
        raise ConnectionLost
    if context.world.database.find("session", context.session) is None:
        raise ApiFailure("SESSION_INVALID", context.session)


def _subscriptions(classes: list[str]) -> list[str]:
    """Classes in lower case, as changes are compared with them; refs keep their spelling."""
    return [cls.lower() + slash + ref for cls, slash, ref in (name.partition("/") for name in classes)]


def _matches(change: Change, wanted: list[str]) -> bool:
    name = change.cls.lower()
    return name not in SILENT and any(want in ("*", name, f"{name}/{change.ref}") for want in wanted)


def _batch(context: Context, changes: list[Change], generation: int) -> dict[str, Any]:
    database = context.world.database
    return {
        "events": [_event(change) for change in sorted(changes, key=lambda c: c.cls)],
        "valid_ref_counts": database.counts(class_names()),
        "token": _token(generation),
    }


def _event(change: Change) -> dict[str, Any]:
    event: dict[str, Any] = {
        "id": str(change.generation),
        "timestamp": "0.0",
        "class": change.cls.lower(),
        "operation": change.operation,
        "ref": change.ref,
    }
    return event if change.record is None else {**event, "snapshot": change.record}


# As the events of event.from: the data model has a snapshot of no class that there is.
TYPES = {"event.next": (("session ref",), "event item set")}
CALLS: Table = {
    "event.from": event_from,
    "event.inject": inject,
    "event.register": register,
    "event.unregister": unregister,
    "event.next": event_next,
    "event.get_current_id": lambda context: str(context.world.database.generation),
}
