"""Answers in JSON-RPC 1.0 and 2.0, as XAPI writes them: integers are numbers, nothing is an empty string."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rebalancer.simulator.wire import kinds


def success(request: Mapping[str, Any], kind: str, value: Any) -> str:  # noqa: ANN401 - any wire type
    """The answer to a call that succeeded, in the version of the request."""
    result = {"result": plain(kind, value)}
    return _answer(request, result, result | {"error": None})


def failure(request: Mapping[str, Any], description: Sequence[str]) -> str:
    """The answer to a call that failed, in the version of the request."""
    code, *params = description
    new = {"error": {"code": 1, "message": code, "data": params}}
    return _answer(request, new, {"result": None, "error": [code, *params]})


def _answer(request: Mapping[str, Any], new: dict[str, Any], old: dict[str, Any]) -> str:
    return json.dumps(({"jsonrpc": "2.0"} | new if "jsonrpc" in request else old) | {"id": request.get("id")})


def plain(kind: str, value: Any) -> Any:  # noqa: ANN401 - any wire type
    """A value of a type of the data model as JSON has it."""
    if isinstance(value, Mapping):
        return {name: plain(of, item) for name, of, item in kinds.typed(kind, value)}
    if isinstance(value, list | tuple):
        of = kinds.element(kind) or "string"
        return [plain(of, item) for item in value]
    if value is None:
        return ""
    return int(value) if kind == "int" else value
