"""Records that remember which of their fields were read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SpyRecord(dict[str, Any]):
    """A record that writes every field it is asked for into *seen*."""

    def __init__(self, kind: str, record: Mapping[str, Any], seen: set[tuple[str, str]]) -> None:
        super().__init__(record)
        self._kind, self._seen = kind, seen

    def get(self, field: str, absent: Any = None) -> Any:  # noqa: ANN401 - as dict has it
        """The field, noted."""
        self._seen.add((self._kind, field))
        return super().get(field, absent)

    def __getitem__(self, field: str) -> Any:  # noqa: ANN401 - as dict has it
        """The field, noted."""
        self._seen.add((self._kind, field))
        return super().__getitem__(field)

    def __contains__(self, field: object) -> bool:
        """Whether the field is there, noted."""
        self._seen.add((self._kind, str(field)))
        return super().__contains__(field)


def spied(records: Mapping[str, Mapping[str, Any]], seen: set[tuple[str, str]]) -> dict[str, dict[str, SpyRecord]]:
    """*records*, every one of them watched."""
    return {
        kind: {ref: SpyRecord(kind, record, seen) for ref, record in table.items()} for kind, table in records.items()
    }
