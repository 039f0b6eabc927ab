"""One XenAPI record, field by field, as Python values.

Integers may be strings (XML-RPC), fields may be missing (older XAPI). A field that its class has, and that this record
lacks or holds in a form that nobody can read, is *unsaid*: it is put down with the object, which is held as it is, and
the value that stands in its place decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, Final, TypeVar

from rebalancer.errors import InventoryError

Record = Mapping[str, Any]
Records = Mapping[str, Mapping[str, Record]]

Value = TypeVar("Value")

_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}
_SHOWN: Final = 40
"""Characters of a value that cannot be read and is told."""


class Fields:
    """The fields of one record of class *kind*.

    Args:
        kind: the class.
        record: the record.
        known: the fields that its class has in this version of XAPI.
        unsaid: where fields are put down that the class has and the record does not say; where there is none, a field
            that cannot be read is an `InventoryError`.
    """

    __slots__ = ("_known", "_unsaid", "kind", "record")

    def __init__(
        self, kind: str, record: Record, known: frozenset[str] = frozenset(), unsaid: list[str] | None = None
    ) -> None:
        self.kind, self.record = kind, record
        self._known, self._unsaid = known, unsaid

    def __str__(self) -> str:
        """What people call the object: `VM web-01`, or its uuid where it has no name."""
        return f"{self.kind} {self.record.get('name_label') or self.uuid}"

    @property
    def uuid(self) -> str:
        """The object's uuid; `pool_from_records` has refused records without one."""
        return str(self.record["uuid"])

    def has(self, field: str) -> bool:
        """Whether the record has the field."""
        found = self.record.get(field) is not None
        if not found and field in self._known and self._unsaid is not None:
            self._unsaid.append(f"{self.kind}.{field}")
        return found

    def raw(self, field: str, absent: object = None) -> Any:  # noqa: ANN401 - a reference or a set of them
        """The field as it came."""
        return self.record[field] if self.has(field) else absent

    def text(self, field: str, absent: str = "") -> str:
        """A string or an enum."""
        return str(self.raw(field, absent))

    def integer(self, field: str, absent: int | None = None) -> int:
        """An integer, from a number or a string; a fraction is none."""
        return self._converted(field, int, absent, 0)

    def optional_integer(self, field: str) -> int | None:
        """An integer, or None for a field that this version of XAPI does not have."""
        return self.integer(field) if self.has(field) else None

    def number(self, field: str, absent: float | None = None) -> float:
        """A finite float, from a number or a string."""
        return self._converted(field, _finite, absent, 1.0)

    def boolean(self, field: str, *, absent: bool | None = None) -> bool:
        """A boolean, from the wire or from a dump."""
        return self._converted(field, lambda text: _BOOLEANS[text.lower()], absent, False)  # noqa: FBT003 - a value

    def optional_boolean(self, field: str) -> bool | None:
        """A boolean, or None for a field that this version of XAPI does not have."""
        return self.boolean(field) if self.has(field) else None

    def texts(self, field: str) -> dict[str, str]:
        """A map, sorted by key; empty where the field is missing."""
        return {str(key): str(value) for key, value in sorted(self._map(field).items())}

    def names(self, field: str) -> tuple[str, ...]:
        """A set, or the keys of a map, sorted; empty where the field is missing."""
        return tuple(sorted(map(str, self.members(field))))

    def members(self, field: str) -> Iterable[object]:
        """A set as it came, or the keys of a map; empty where the field is missing."""
        value = self.raw(field, ())
        if not isinstance(value, (list, tuple, dict)):
            self.unreadable(field, value)
            return ()
        return value

    def operations(self) -> tuple[str, ...]:
        """Names of the operations under way on the object."""
        return tuple(sorted(self.marked_operations().values()))

    def marked_operations(self) -> dict[str, str]:
        """The operations under way on the object, by the refs of their tasks."""
        return {str(task): str(operation) for task, operation in self._map("current_operations").items()}

    def unreadable(self, field: str, value: object) -> None:
        """Put down that *field* holds something that cannot be read.

        Raises:
            InventoryError: nobody puts anything down.
        """
        if self._unsaid is None:
            raise InventoryError([f"{self} has {value!r} in field {field}"])
        self._unsaid.append(f"{self.kind}.{field} (it holds {str(value)[:_SHOWN]!r})")

    def _map(self, field: str) -> Mapping[str, object]:
        value = self.raw(field, {})
        if not isinstance(value, dict):
            self.unreadable(field, value)
            return {}
        return value

    def _converted(self, field: str, convert: Callable[[str], Value], absent: Value | None, unsaid: Value) -> Value:
        """The field; *absent* where this version of XAPI does not have it, *unsaid* where only this record does not.

        Raises:
            InventoryError: no record of the class has it, and there is no *absent*.
        """
        if not self.has(field):
            if absent is None and field not in self._known:
                raise InventoryError([f"no {self.kind} record has the field {field}"])
            return unsaid if absent is None else absent
        value = self.record[field]
        try:
            return convert(str(value))
        except (KeyError, ValueError):
            self.unreadable(field, value)
            return unsaid


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number
