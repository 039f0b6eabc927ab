"""Every leaf of a plan file changed or removed, every row dropped or doubled: what somebody could edit who seals it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from rebalancer.errors import PlanFileError
from rebalancer.export import plan_from_json
from rebalancer.plan import Plan, plan_document
from rebalancer.plan.document import digest_of_document

Place = tuple[str | int, ...]


def edits(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """What was edited, such as `change tiers.*.after`, and the document of *plan* with that one edit."""
    document = plan_document(plan)
    for place, value in _leaves(document):
        if place != ("digest",):
            yield f"remove {_named(place)}", _without(document, place)
            for other in _others(value):
                yield f"change {_named(place)}", _with(document, place, other)
    for place, rows in _lists(document):
        for number in range(len(rows)):
            row = _named((*place, number))
            yield f"double {row}", _with(document, place, [*rows[: number + 1], *rows[number:]])
            yield f"drop {row}", _with(document, place, [*rows[:number], *rows[number + 1 :]])


def as_read(document: dict[str, Any]) -> Plan | None:
    """The plan that *document* holds once it is sealed again; None where it is refused as a file."""
    try:
        return plan_from_json(json.dumps({**document, "digest": digest_of_document(document)}), "a test")
    except PlanFileError:
        return None


def _leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:  # noqa: ANN401 - any JSON
    """Every value that holds no other."""
    children = _children(value)
    if not children:
        yield place, value
    for key, child in children:
        yield from _leaves(child, (*place, key))


def _lists(value: Any, place: Place = ()) -> Iterator[tuple[Place, list[Any]]]:  # noqa: ANN401 - any JSON
    """Every list."""
    if isinstance(value, list):
        yield place, value
    for key, child in _children(value):
        yield from _lists(child, (*place, key))


def _children(value: Any) -> list[tuple[str | int, Any]]:  # noqa: ANN401 - any JSON
    """What *value* holds, by key or by number."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _others(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    """Other values of the same type, near and far."""
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1, 7 if value == 0 else 0]
        case float():
            return [value * 1.5 + 1.0, 7.0 if value == 0 else 0.0]
        case str():
            return [_later(value) or (f"{value} x" if value else "x")]
        case list():
            return [["x"]]
    return ["x", 1]


def _later(value: str) -> str:
    """Two hours after the time that *value* is; "" where it is none."""
    try:
        time = datetime.fromisoformat(value) if value.endswith("Z") else None
    except ValueError:
        return ""
    return (time + timedelta(hours=2)).isoformat().replace("+00:00", "Z") if time else ""


def _named(place: Place) -> str:
    """A place, whatever the number of a row."""
    return ".".join("*" if isinstance(each, int) else each for each in place)


def _with(document: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A copy with another value at *place*."""
    made, holder = _opened(document, place)
    holder[place[-1]] = value
    return made


def _without(document: dict[str, Any], place: Place) -> dict[str, Any]:
    """A copy without what stands at *place*."""
    made, holder = _opened(document, place)
    del holder[place[-1]]
    return made


def _opened(document: dict[str, Any], place: Place) -> tuple[dict[str, Any], Any]:
    """A copy, and what in it holds *place*."""
    made: Any = copy.deepcopy(document)
    holder = made
    for key in place[:-1]:
        holder = holder[key]
    return made, holder
