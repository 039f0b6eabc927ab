"""Calls that every class has: reading records and fields, and the plain setters."""

from __future__ import annotations

import re
from typing import Any

from rebalancer.simulator.calls.context import Context, Handler
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import empty, fields


def find(cls: str, name: str) -> Handler | None:
    """The handler of a generic call of a class, or None for other calls."""
    if (reader := _READERS.get(name)) is not None:
        return lambda context, *args: reader(context, cls, *args)
    field = name.removeprefix("get_")
    if name.startswith("get_") and field in fields(cls):
        return lambda context, ref: get_field(context, cls, field, ref)
    for pattern, setter in _SETTERS:
        if (match := re.fullmatch(pattern, name)) and match[1] in fields(cls):
            changed = match[1]
            return lambda context, ref, *args: setter(context, cls, changed, ref, *args)
    return None


def get_field(context: Context, cls: str, field: str, ref: str) -> Any:  # noqa: ANN401 - any wire type
    """One field; what the record lacks is empty."""
    record = context.world.database.get(cls, ref)
    return record.get(field, empty(fields(cls)[field]))


def _get_all(context: Context, cls: str) -> list[str]:
    return [ref for ref, _ in context.world.database.items(cls)]


def _get_all_records(context: Context, cls: str) -> dict[str, Any]:
    return context.world.database.all(cls)


def _get_record(context: Context, cls: str, ref: str) -> dict[str, Any]:
    with context.world.database.lock:
        return dict(context.world.database.get(cls, ref))


def _get_by_uuid(context: Context, cls: str, uuid: str) -> str:
    return context.world.database.by_uuid(cls, uuid)


def _get_by_name_label(context: Context, cls: str, label: str) -> list[str]:
    return [ref for ref, record in context.world.database.items(cls) if record["name_label"] == label]


def _set(context: Context, cls: str, field: str, ref: str, value: Any) -> None:  # noqa: ANN401 - any wire type
    context.world.database.change(cls, ref, **{field: value})


def _add_to(context: Context, cls: str, field: str, ref: str, *entry: str) -> None:
    key, value = entry
    with context.world.database.lock:
        current = get_field(context, cls, field, ref)
        if key in current:
            raise ApiFailure("MAP_DUPLICATE_KEY", cls, field, ref, key)
        context.world.database.change(cls, ref, **{field: {**current, key: value}})


def _remove_from(context: Context, cls: str, field: str, ref: str, key: str) -> None:
    with context.world.database.lock:
        current = get_field(context, cls, field, ref)
        context.world.database.change(cls, ref, **{field: {k: v for k, v in current.items() if k != key}})


def _add(context: Context, cls: str, field: str, ref: str, value: str) -> None:
    with context.world.database.lock:
        current = get_field(context, cls, field, ref)
        context.world.database.change(cls, ref, **{field: [*(v for v in current if v != value), value]})


def _remove(context: Context, cls: str, field: str, ref: str, value: str) -> None:
    with context.world.database.lock:
        current = get_field(context, cls, field, ref)
        context.world.database.change(cls, ref, **{field: [v for v in current if v != value]})


_READERS: dict[str, Handler] = {
    "get_all": _get_all,
    "get_all_records": _get_all_records,
    "get_record": _get_record,
    "get_by_uuid": _get_by_uuid,
    "get_by_name_label": _get_by_name_label,
}
_SETTERS: tuple[tuple[str, Handler], ...] = (
    (r"set_(\w+)", _set),
    (r"add_to_(\w+)", _add_to),
    (r"remove_from_(\w+)", _remove_from),
    (r"add_(\w+)", _add),
    (r"remove_(\w+)", _remove),
)
