"""What people call the objects that XAPI names by reference in its errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from rebalancer.inventory.names import SHORT, told_apart
from rebalancer.inventory.records import Records

_REF = re.compile(r"OpaqueRef:[\w-]+")
_SHOWN = len("OpaqueRef:") + SHORT
"""How much of a reference that nobody has read is shown: enough to look for it in logs, and of no use as a session."""
_SESSION = re.compile(r"(session_id=)[\w:%.-]+")


class Called:
    """The names of the objects of a pool as it was read last; of what nobody has read, the start of its reference."""

    def __init__(self, records: Records | None = None) -> None:
        self._records = records or {}

    def told(self, word: object) -> str:
        """A word of an error with names for references, and without any session, which is as good as a password.

        XAPI puts sessions into addresses and errors; by a reference alone nobody can tell that it is one.
        """
        return _REF.sub(lambda ref: self._names.get(ref[0], _shortened(ref[0])), _SESSION.sub(r"\1...", str(word)))

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Names by reference; of what has none, as a VIF, class and start of the uuid."""
        known = {
            ref: (kind, str(record.get("uuid", "")), str(record.get("name_label", "")))
            for kind, table in self._records.items()
            for ref, record in table.items()
        }
        kinds: dict[str, dict[str, str]] = {}
        for kind, uuid, name in known.values():
            kinds.setdefault(kind, {})[uuid] = name
        named = {kind: told_apart(names) for kind, names in kinds.items() if any(names.values())}
        return {
            ref: named[kind][uuid] if kind in named else f"{kind} {uuid[:SHORT]}"
            for ref, (kind, uuid, _) in known.items()
        }


def _shortened(ref: str) -> str:
    return ref if len(ref) <= _SHOWN else f"{ref[:_SHOWN]}..."


NOBODY = Called()
"""Before anything is read."""
