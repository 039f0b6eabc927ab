"""How a type of the data model is made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from rebalancer.simulator.state.schema import class_names, fields

EVENT_BATCH = "an event batch"
COUNT = "count"

_STRUCTS = {
    EVENT_BATCH: {"events": "event item set", "valid_ref_counts": f"(string -> {COUNT}) map", "token": "string"}
}


@cache
def element(kind: str) -> str | None:
    """The type of a set's elements, or None for a type that is no set."""
    return kind.removesuffix(" set") if kind.endswith(" set") else None


@cache
def value_of_map(kind: str) -> str | None:
    """The type of a map's values, or None for a type that is no map; its keys are strings on the wire."""
    return kind.removesuffix(") map").split(" -> ", 1)[1] if kind.endswith(" map") else None


@cache
def members(kind: str) -> dict[str, str] | None:
    """{member: type} of a record or of the answer to event.from, or None for other types."""
    if kind.endswith(" record"):
        return fields(kind.removesuffix(" record"))
    return _STRUCTS.get(kind)


def typed(kind: str, value: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Iterate over (name, type, value) of the members of a record, a map, an event or a batch of events."""
    known = members(kind)
    if known is None and kind == "event item":
        known = {"snapshot": f"{class_names()[value['class']]} record"}
    otherwise = "string" if known is not None else value_of_map(kind) or "string"
    for name, item in value.items():
        yield name, (known or {}).get(name, otherwise), item
