"""Answers in JSON-RPC 1.0 and 2.0, as XAPI writes them: integers are numbers, nothing is an empty string."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rebalancer.simulator.wire import kinds


def success(request: Mapping[str, Any], kind: str, value: Any) -> str:  # noqa: ANN401 - any wire type
    """The answer to a call that succeeded, in the version of the request."""
    result = plain(kind, value)
    if "jsonrpc" in request:
        return json.dumps({"jsonrpc": "2.0", "result": result, "id": request.get("id")})
    return json.dumps({"result": result, "error": None, "id": request.get("id")})


def failure(request: Mapping[str, Any], description: Sequence[str]) -> str:
    """The answer to a call that failed, in the version of the request."""
    code, *params = description
    if "jsonrpc" in request:
        error = {"code": 1, "message": code, "data": params}
        return json.dumps({"jsonrpc": "2.0", "error": error, "id": request.get("id")})
    return json.dumps({"result": None, "error": [code, *params], "id": request.get("id")})


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
