"""A plan as plain JSON values, its canonical bytes, and the digest that seals it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

from rebalancer.plan.plan import Plan
from rebalancer.policy import Policy


def plan_document(plan: Plan) -> dict[str, Any]:
    """*plan* as the JSON object that plan.json holds.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> document = rb.plan.plan_document(plan)
        >>> document["format"], sorted(document["steps"][0])[:3]
        ('rebalancer-plan/1', ['after', 'disks', 'hosts'])
    """
    document = _plain(plan)
    if not isinstance(document, dict):
        raise TypeError("a plan is an object")
    return document


def digest_of(plan: Plan) -> str:
    """`sha256:` and the hexadecimal SHA-256 of the canonical bytes of *plan* without its digest.

    Canonical: keys sorted, no spaces, UTF-8, shortest representation of numbers.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> plan.digest == rb.plan.digest_of(plan)
        True
    """
    return digest_of_document(plan_document(plan))


def digest_of_document(document: Mapping[str, Any]) -> str:
    """The digest of the plan that *document* holds."""
    content = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def sealed(plan: Plan) -> Plan:
    """*plan* with the digest of what it says.

    Example:
        >>> from dataclasses import replace
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> edited = replace(plan, summary="all is well")
        >>> edited.digest == rb.plan.digest_of(edited), rb.plan.sealed(edited).digest == rb.plan.digest_of(edited)
        (False, True)
    """
    return replace(plan, digest=digest_of(plan))


def _plain(value: object) -> object:
    if told := _told(type(value)):  # type: ignore[arg-type]  # a class can be hashed
        found = ((name, default, getattr(value, name)) for name, default in told)
        return {name: _plain(each) for name, default, each in found if default is MISSING or each != default}
    match value:
        case str() | datetime() | Enum():
            return _text(value)
        case tuple():
            return [_plain(each) for each in value]
        case Policy():
            return value.given()
        case Mapping():
            return {str(key): _plain(each) for key, each in sorted(value.items())}
    return value


@cache
def _told(kind: type[Any]) -> tuple[tuple[str, object], ...]:
    """The fields of a record, each with what files of earlier versions say by being without it; none of anything else.

    Where it is MISSING, the field always stands there.
    """
    return tuple((each.name, each.default) for each in fields(kind)) if is_dataclass(kind) else ()


def _text(value: str | datetime | Enum) -> str:
    """A time in UTC, ending in Z; the name of a state; text, with `?` for what UTF-8 cannot hold."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
