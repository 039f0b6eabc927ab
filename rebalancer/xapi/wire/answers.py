"""Answers of XAPI's in XML-RPC and JSON-RPC, as one envelope."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from xml.parsers.expat import ExpatError

from rebalancer.xapi.wire.elements import real, value_of, whole
from rebalancer.xapi.wire.limits import DEPTH, ITEMS, JSON_BYTES, WIDE_BYTES
from rebalancer.xapi.wire.malformed import LONGEST_KEY, Malformed
from rebalancer.xapi.wire.unescaped import is_doubtful, repaired

UNLIKE_XAPI: Final = (
    ExpatError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    StopIteration,
)
"""What reading bytes raises that are no answer of XAPI's."""

_HALF_A_LETTER = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


def from_xml(body: bytes) -> dict[str, Any]:
    """The envelope of an answer: `Status` with `Value` or `ErrorDescription`; times and integers are strings.

    Raises:
        Malformed: it is none, or two readings of it are possible.
    """
    try:
        return _envelope(repaired(body) if is_doubtful(body) else value_of(body))
    except UNLIKE_XAPI as error:
        raise _malformed(error) from error


def from_json(body: bytes) -> dict[str, Any]:
    """The same of an answer in JSON-RPC 1.0 or 2.0.

    Raises:
        Malformed: it is none.
    """
    try:
        answer = _loaded(body)
        refused = answer.get("error")
        if isinstance(refused, dict):
            refused = [refused["message"], *refused["data"]]
        if refused:
            return _envelope({"Status": "Failure", "ErrorDescription": refused})
        return _envelope({"Status": "Success", "Value": answer["result"]})
    except UNLIKE_XAPI as error:
        raise _malformed(error) from error


def _malformed(error: Exception) -> Malformed:
    return Malformed(f"{type(error).__name__}: {str(error)[:LONGEST_KEY]}")


def _loaded(body: bytes) -> Any:  # noqa: ANN401 - what the answer holds
    """What JSON says; as much of it as makes more values than memory should hold is not read."""
    plain = body.isascii() and b"\\u" not in body
    if len(body) > (JSON_BYTES if plain else WIDE_BYTES):
        raise ValueError(f"{len(body)} bytes of JSON")
    if sum(map(body.count, (b",", b"[", b"{"))) > ITEMS:
        raise ValueError("too many values")
    if _HALF_A_LETTER.search(body):
        raise ValueError("half a letter")
    value = json.loads(body.decode(), parse_int=whole, parse_constant=_no_number, parse_float=real)
    _assert_shallow(value, DEPTH)
    return value


def _assert_shallow(value: object, levels: int) -> None:
    """Raise a `ValueError` where lists and dicts stand inside one another more than *levels* deep."""
    inside = [value]
    for _ in range(levels):
        held = (each.values() if isinstance(each, dict) else each for each in inside if isinstance(each, dict | list))
        inside = [item for items in held for item in items]
        if not inside:
            return
    raise ValueError(f"more than {levels} lists and maps inside one another")


def _envelope(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever was sent
    """*answer*, if it is an envelope; each word of an error is a string."""
    if answer["Status"] == "Success":
        return {"Status": "Success", "Value": answer["Value"]}
    words = answer["ErrorDescription"]
    if answer["Status"] != "Failure" or not isinstance(words, list) or not words:
        raise ValueError(f"an answer of status {str(answer['Status'])[:20]!r}")
    return {"Status": "Failure", "ErrorDescription": list(map(str, words))}


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
