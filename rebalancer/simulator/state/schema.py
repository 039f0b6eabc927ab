"""Which fields and calls every XenAPI class has, and their types on the wire.

The file schema.json beside this module is written by `python data/build.py schema` from the XenAPI data model.
Types are those of the data model: string, int, float, bool, datetime, void, `VM ref`, `string set`,
`(string -> int) map`, `VM record`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

NULL = "OpaqueRef:NULL"
NEVER = "19700101T00:00:00Z"
WHERE = "get_all_records_where"
"""A call that the data model does not list and every class with records has."""

_EMPTY: dict[str, Any] = {"int": "0", "float": 0.0, "bool": False, "datetime": NEVER, "string": ""}


@cache
def classes() -> dict[str, dict[str, Any]]:
    """What schema.json holds for each class.

    {"fields": {name: type}, "calls": {name: [parameter type.., result type]}, "generic": [name of a generic call..],
    "roles": {name of a call: roles that may make it, in one text; of every role, where it is missing},
    "optional": {name of a call: how many of its last parameters may be left out}}.
    """
    text = files("rebalancer.simulator").joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded


@cache
def class_names() -> dict[str, str]:
    """{name in lower case, as events spell it: name of the class}."""
    return {name.lower(): name for name in classes()}


def fields(cls: str) -> dict[str, str]:
    """{field: type} of a class."""
    known: dict[str, str] = classes()[cls]["fields"]
    return known


def empty(kind: str) -> Any:  # noqa: ANN401 - a field may be of any wire type
    """The value a field of this type has when nobody set it."""
    if kind.endswith(" set"):
        return []
    if kind.endswith(" map"):
        return {}
    return NULL if kind.endswith(" ref") else _EMPTY[kind]


def blank(cls: str) -> dict[str, Any]:
    """A record of a class with every field empty."""
    return {name: empty(kind) for name, kind in fields(cls).items()}


@cache
def call_types(cls: str, name: str) -> tuple[tuple[str, ...], str] | None:
    """(parameter types with the session's, result type) of a call, or None for a call XAPI does not have."""
    if (known := classes().get(cls)) is None:
        return None
    if name in known["calls"]:
        *params, result = known["calls"][name]
        return tuple(params), result
    if name in known["generic"] or (name == WHERE and "get_all_records" in known["generic"]):
        return _generic_types(cls)[name]
    if name.startswith("get_") and name[4:] in known["fields"]:
        return ("session ref", f"{cls} ref"), known["fields"][name[4:]]
    return None


def optional(name: str) -> int:
    """How many parameters at the end of a call may be left out."""
    cls, _, call = name.partition(".")
    count: int = classes().get(cls, {"optional": {}})["optional"].get(call, 0)
    return count


def _generic_types(cls: str) -> dict[str, tuple[tuple[str, ...], str]]:
    session, this = "session ref", f"{cls} ref"
    return {
        "get_all": ((session,), f"{cls} ref set"),
        "get_all_records": ((session,), f"({cls} ref -> {cls} record) map"),
        WHERE: ((session, "string"), f"({cls} ref -> {cls} record) map"),
        "get_record": ((session, this), f"{cls} record"),
        "get_by_uuid": ((session, "string"), f"{cls} ref"),
        "get_by_name_label": ((session, "string"), f"{cls} ref set"),
    }
