"""Calls that every class has: reading records and fields, and the plain setters."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from rebalancer.simulator.calls import filters
from rebalancer.simulator.calls.context import Context, Handler
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import empty, fields


def find(cls: str, name: str) -> Handler | None:
    """The handler of a generic call of a class, or None for other calls."""
    if name in _READERS:
        return partial(_READERS[name], cls)
    if is_reader(cls, name):
        return partial(_get_field, cls, name[4:])
    for prefix, changed in _SETTERS.items():
        if (match := re.fullmatch(rf"{prefix}_(\w+)", name)) and match[1] in fields(cls):
            return partial(_set, cls, match[1], changed)
    return None


def is_reader(cls: str, name: str) -> bool:
    """Whether a call only reads records or a field: such calls have no asynchronous form."""
    return name in _READERS or (name.startswith("get_") and name[4:] in fields(cls))


def _get_field(cls: str, field: str, context: Context, ref: str) -> Any:  # noqa: ANN401 - any wire type
    """One field; what the record lacks is empty."""
    return context.world.database.get(cls, ref).get(field, empty(fields(cls)[field]))


def _set(cls: str, field: str, changed: Callable[..., Any], context: Context, ref: str, *args: Any) -> None:  # noqa: ANN401 - any wire type
    with context.world.database.lock:
        current = _get_field(cls, field, context, ref)
        if changed is _with_entry and args[0] in current:
            raise ApiFailure("MAP_DUPLICATE_KEY", cls, field, ref, args[0])
        context.world.database.change(cls, ref, **{field: changed(current, *args)})


def _with_entry(current: dict[str, str], key: str, value: str) -> dict[str, str]:
    return {**current, key: value}


def _get_record(cls: str, context: Context, ref: str) -> dict[str, Any]:
    with context.world.database.lock:
        return dict(context.world.database.get(cls, ref))


def _get_all_records_where(cls: str, context: Context, expression: str) -> dict[str, Any]:
    meant = filters.filter_of(expression)
    return {ref: record for ref, record in context.world.database.all(cls).items() if meant(record)}


def _get_by_name_label(cls: str, context: Context, label: str) -> list[str]:
    return [ref for ref, record in context.world.database.items(cls) if record["name_label"] == label]


_READERS: dict[str, Handler] = {
    "get_all": lambda cls, context: [ref for ref, _ in context.world.database.items(cls)],
    "get_all_records": lambda cls, context: context.world.database.all(cls),
    "get_all_records_where": _get_all_records_where,
    "get_record": _get_record,
    "get_by_uuid": lambda cls, context, uuid: context.world.database.by_uuid(cls, uuid),
    "get_by_name_label": _get_by_name_label,
}
# How a setter makes a field's new value from the old one; the first prefix that fits a call's name counts.
_SETTERS: dict[str, Callable[..., Any]] = {
    "set": lambda _, value: value,
    "add_to": _with_entry,
    "remove_from": lambda current, key: {k: v for k, v in current.items() if k != key},
    "add": lambda current, value: [*(v for v in current if v != value), value],
    "remove": lambda current, value: [v for v in current if v != value],
}
