"""How a type of the data model is made up."""

from __future__ import annotations

from functools import cache

from rebalancer.simulator.state.schema import class_names, fields

EVENT_BATCH = "an event batch"
COUNT = "count"

_STRUCTS = {
    EVENT_BATCH: {"events": "event item set", "valid_ref_counts": f"(string -> {COUNT}) map", "token": "string"}
}


@cache
def element(kind: str) -> str | None:
    """Return the type of a set's elements, or None for a type that is no set."""
    return kind.removesuffix(" set") if kind.endswith(" set") else None


@cache
def value_of_map(kind: str) -> str | None:
    """Return the type of a map's values, or None for a type that is no map; its keys are strings on the wire."""
    return kind.removesuffix(") map").split(" -> ", 1)[1] if kind.endswith(" map") else None


@cache
def members(kind: str) -> dict[str, str] | None:
    """Return {member: type} of a record or of the answer to event.from, or None for other types."""
    if kind.endswith(" record"):
        return fields(kind.removesuffix(" record"))
    return _STRUCTS.get(kind)


def snapshot_kind(event_class: str) -> str:
    """Return the type of the snapshot in an event of a class, spelled in lower case."""
    return f"{class_names()[event_class]} record"
