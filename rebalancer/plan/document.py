"""A plan as plain JSON values, its canonical bytes, and the digest that seals it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from rebalancer.plan.plan import Plan
from rebalancer.policy import Policy


def plan_document(plan: Plan) -> dict[str, Any]:
    """*plan* as the JSON object that plan.json holds."""
    document = _plain(plan)
    if not isinstance(document, dict):
        raise TypeError("a plan is an object")
    return document


def digest_of(plan: Plan) -> str:
    """`sha256:` and the hexadecimal SHA-256 of the canonical bytes of *plan* without its digest.

    Canonical: keys sorted, no spaces, UTF-8, shortest representation of numbers.
    """
    return digest_of_document(plan_document(plan))


def digest_of_document(document: Mapping[str, Any]) -> str:
    """The digest of the plan that *document* holds."""
    content = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def sealed(plan: Plan) -> Plan:
    """*plan* with the digest of what it says."""
    return replace(plan, digest=digest_of(plan))


def _plain(value: object) -> object:
    match value:
        case Policy():
            return value.given()
        case str() | datetime() | Enum():
            return _text(value)
        case Mapping():
            return {str(key): _plain(each) for key, each in sorted(value.items())}
        case tuple():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value):
            told = [field for field in fields(value) if not _unheard_of(field, getattr(value, field.name))]
            return {field.name: _plain(getattr(value, field.name)) for field in told}
    return value


def _unheard_of(field: Field[Any], value: object) -> bool:
    """Whether *value* says nothing but what files of earlier versions say by being without the field."""
    return field.default is not MISSING and value == field.default


def _text(value: str | datetime | Enum) -> str:
    """A time in UTC, ending in Z; the name of a state; text, with `?` for what UTF-8 cannot hold."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
