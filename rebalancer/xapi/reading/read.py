"""A whole pool, read in one pass, and consistent although it goes on changing meanwhile.

The records of all classes are read one class after the other. Then XAPI is asked which objects have changed since the
first of them, and those are replaced: what results is the database at that last moment (XAPI.md 4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from rebalancer.errors import InventoryError, RefusedByXapi
from rebalancer.inventory import Pool, pool_from_records
from rebalancer.inventory.records import CLASSES, Record, Records
from rebalancer.xapi.called import Called
from rebalancer.xapi.session import ReadSession

VOLATILE: Final = frozenset({"host_metrics", "VM_metrics", "VM_guest_metrics", "PIF_metrics"})
"""Classes that change by themselves all the time, and that nothing refers to but their owner."""

WATCHED: Final = tuple(kind for kind in CLASSES if kind not in VOLATILE)

ATTEMPTS: Final = 3
"""How often a pool is read that contradicts itself: a VM may be between two hosts for a moment."""


def read_pool(session: ReadSession, *, pause_seconds: float = 1.0) -> Pool:
    """The pool as it is now; it is read again where it contradicts itself, or a VM runs on no host for the moment.

    Raises:
        InventoryError: it contradicts itself, and still does after some seconds.
        XapiError: it cannot be read.
    """
    return settled(lambda: _read_once(session), session.patience.sleep, pause_seconds=pause_seconds)


def settled(read: Callable[[], Pool], sleep: Callable[[float], None], *, pause_seconds: float = 1.0) -> Pool:
    """What *read* answers; it is called again, after a *sleep*, where the pool contradicts itself, or a VM has no host.

    Raises:
        InventoryError: the pool contradicts itself, and still does after some seconds.
        XapiError: it cannot be read.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(InventoryError):
            pool = read()
            if not any(pool.homeless()):
                return pool
        sleep(pause_seconds)
    return read()


def _read_once(session: ReadSession) -> Pool:
    """The pool as it is now; the session remembers where else it could ask, and names."""
    records = read_records(session)
    session.called = Called(records)
    pool = pool_from_records(records)
    session.remember(host.address for host in pool.hosts.values())
    return pool


def read_records(session: ReadSession) -> Records:
    """All records that the inventory needs, as of one moment.

    Raises:
        XapiError: the pool cannot be read.
    """
    records, _ = read_since(session)
    return records


def read_since(session: ReadSession) -> tuple[dict[str, dict[str, Record]], str | None]:
    """The same, and a token: whoever asks what has changed since misses nothing; None where XAPI cannot tell.

    Raises:
        XapiError: the pool cannot be read.
    """
    token = _token(session)
    records = {kind: dict(session.all_records(kind)) for kind in CLASSES}
    if token is not None:
        _apply(records, session.events(WATCHED, token)["events"])
    return records, token


def _token(session: ReadSession) -> str | None:
    """Now, as events count it; None for XenServer 6.0 and older, which cannot tell."""
    try:
        return str(session.events(("pool",), "")["token"])
    except RefusedByXapi as refused:
        if refused.code != "MESSAGE_METHOD_UNKNOWN":
            raise
        return None


def _apply(records: dict[str, dict[str, Any]], events: list[Mapping[str, Any]]) -> None:
    """Bring *records* to the state that *events* lead to: each has a whole record, or none for what is gone."""
    tables = {kind.lower(): records[kind] for kind in WATCHED}
    for event in events:
        table = tables.get(str(event["class"]).lower(), {})
        if event["operation"] == "del":
            table.pop(str(event["ref"]), None)
        elif "snapshot" in event:
            table[str(event["ref"])] = event["snapshot"]
