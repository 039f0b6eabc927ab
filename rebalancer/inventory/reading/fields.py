"""One XenAPI record, field by field, as Python values.

Integers may be strings (XML-RPC), fields may be missing (older XAPI). A field that a rule could take for permission
when it is missing has no default here: it is required, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from rebalancer.errors import InventoryError

Record = Mapping[str, Any]
Records = Mapping[str, Mapping[str, Record]]

Value = TypeVar("Value")

_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}


class Fields:
    """The fields of one record of class *kind*.

    Every method takes the name of a field; without `absent`, a missing field is an `InventoryError`.
    """

    __slots__ = ("kind", "record")

    def __init__(self, kind: str, record: Record) -> None:
        self.kind, self.record = kind, record

    def __str__(self) -> str:
        """What people call the object: `VM web-01`, or its uuid where it has no name."""
        return f"{self.kind} {self.record.get('name_label') or self.uuid}"

    @property
    def uuid(self) -> str:
        """The object's uuid; `pool_from_records` has refused records without one."""
        return str(self.record["uuid"])

    def has(self, field: str) -> bool:
        """Whether this version of XAPI knows the field."""
        return field in self.record

    def raw(self, field: str, absent: object = None) -> Any:  # noqa: ANN401 - a reference or a set of them
        """The field as it came."""
        return self.record.get(field, absent)

    def text(self, field: str, absent: str = "") -> str:
        """A string or an enum."""
        return str(self.record.get(field, absent))

    def integer(self, field: str, absent: int | None = None) -> int:
        """An integer, from a number or a string; a fraction is none."""
        return self._converted(field, int, absent)

    def optional_integer(self, field: str) -> int | None:
        """An integer, or None for a field that this version of XAPI does not have."""
        return self.integer(field) if self.has(field) else None

    def number(self, field: str, absent: float | None = None) -> float:
        """A float, from a number or a string."""
        return self._converted(field, float, absent)

    def boolean(self, field: str, *, absent: bool | None = None) -> bool:
        """A boolean, from the wire or from a dump."""
        return self._converted(field, lambda text: _BOOLEANS[text.lower()], absent)

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
        value = self.record.get(field, ())
        if not isinstance(value, (list, tuple, dict)):
            raise self._wrong(field, value)
        return value

    def operations(self) -> tuple[str, ...]:
        """Names of the operations under way on the object."""
        return tuple(sorted(self.marked_operations().values()))

    def marked_operations(self) -> dict[str, str]:
        """The operations under way on the object, by the refs of their tasks."""
        return {str(task): str(operation) for task, operation in self._map("current_operations").items()}

    def _map(self, field: str) -> Mapping[str, object]:
        value = self.record.get(field, {})
        if not isinstance(value, dict):
            raise self._wrong(field, value)
        return value

    def _converted(self, field: str, convert: Callable[[str], Value], absent: Value | None) -> Value:
        value = self.record.get(field, absent)
        if value is None:
            raise InventoryError([f"{self} has no field {field}"])
        try:
            return convert(str(value))
        except (KeyError, ValueError):
            raise self._wrong(field, value) from None

    def _wrong(self, field: str, value: object) -> InventoryError:
        return InventoryError([f"{self} has {value!r} in field {field}"])
