"""An inventory that is brought up to date by what has changed, instead of being read again.

A pool of 64 hosts has some 15,000 records. Between two looks a few of them change, and `event.from` tells which, from
the database as it is now. So a look is as fresh as a whole reading, and takes a hundredth of its time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rebalancer.errors import RefusedByXapi
from rebalancer.inventory import Pool, Uuid
from rebalancer.inventory.records import CLASSES
from rebalancer.inventory.renewal import KeptPool, Renewal
from rebalancer.xapi.called import Called
from rebalancer.xapi.reading.read import read_since, settled
from rebalancer.xapi.session import ReadSession

WHOLE_AGAIN_SECONDS: Final = 900.0
"""After so long everything is read again, whatever was told."""

KINDS: Final[Mapping[str, str]] = {kind.lower(): kind for kind in CLASSES}


class KeptInventory:
    """The pool of a *session*.

    Everything is read with the first look, after a new login, and where XAPI does not tell what has changed, or tells
    of another number of objects than it has told of.
    """

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._kept: KeptPool | None = None
        self._token, self._login, self._read_at = "", "", 0.0

    @property
    def hosts(self) -> Mapping[str, Uuid]:
        """The uuids of the hosts that were there at the last look, by reference."""
        records = self._kept.records["host"] if self._kept else {}
        return {ref: str(record["uuid"]) for ref, record in records.items()}

    def read(self) -> Pool:
        """The pool as it is now.

        Raises:
            InventoryError: it contradicts itself, and still does after some seconds.
            XapiError: it cannot be read.
        """
        return settled(self._once, self._session.patience.sleep)

    def _once(self) -> Pool:
        kept, self._kept = self._kept, None  # where anything goes wrong, the next look reads everything
        pool = self._renewed(kept) if kept and self._is_of_today() else None
        if kept is None or pool is None:
            return self._whole()
        self._kept, self._session.called = kept, Called(kept.records)
        return pool

    def _is_of_today(self) -> bool:
        return self._login == self._named() and time.monotonic() < self._read_at + WHOLE_AGAIN_SECONDS

    def _named(self) -> str:
        """The login: whoever is somebody else, or somewhere else, was not told everything."""
        return f"{self._session.url} {self._session.session_ref}"

    def _renewed(self, kept: KeptPool) -> Pool | None:
        """The pool once all that has changed is made anew; None where not all of it is known."""
        try:
            found = self._session.events(CLASSES, self._token)
        except RefusedByXapi:
            return None
        if self._login != self._named():
            return None
        try:
            pool = kept.changed(_changes(found["events"]))
            whole = all(kept.count(KINDS[name]) == int(count) for name, count in _counts(found))
        except (LookupError, TypeError, ValueError, AttributeError):
            return None
        self._token = str(found["token"])
        return pool if whole else None

    def _whole(self) -> Pool:
        session = self._session
        records, token = read_since(session)
        session.called = Called(records)
        kept = KeptPool(records)
        pool = kept.changed(())
        session.remember(host.address for host in pool.hosts.values())
        if token is not None:
            self._kept, self._token = kept, token
            self._login, self._read_at = self._named(), time.monotonic()
        return pool


def _changes(events: list[Mapping[str, Any]]) -> Iterator[Renewal]:
    for event in events:
        kind = KINDS.get(str(event["class"]).lower())
        if kind is not None:
            record = None if event["operation"] == "del" else dict(event["snapshot"])
            yield Renewal(kind=kind, ref=str(event["ref"]), record=record)


def _counts(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """How many objects XAPI has of the classes that are read, where it says so."""
    counts = found.get("valid_ref_counts", {})
    return ((name, count) for name, count in counts.items() if name in KINDS)
