"""What is wrong with a value of a TOML file, in the words of TOML: tables and lists, text in quotes, true or false."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

A_TIME = "a time with a date and a zone, such as 2026-03-01T23:10:00Z"
SHOULD_BE: Mapping[str, str] = {
    "model_type": "a table",
    "mapping_type": "a table",
    "dict_type": "a table",
    "tuple_type": "a list",
    "string_type": "text in quotes",
    "string_pattern_mismatch": "a word such as \"rack\", without ':' and not beginning with a space",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "greater_than_equal": "at least {ge}",
    "greater_than": "above {gt}",
    "less_than_equal": "at most {le}",
    "too_long": "a list of at most {max_length}",
    "datetime_type": A_TIME,
    "datetime_parsing": A_TIME,
    "datetime_from_date_parsing": A_TIME,
    "timezone_aware": A_TIME,
}
"""What a value should be, by pydantic's name for what it is not."""
SHARES = {1, 10}
"""Limits of keys that are shares, where a percentage is likely to be written."""
A_LINE = 60


def wrong_value(error: ErrorDetails, given: object) -> str:
    """What *error* says of the value *given*, in words that follow the key."""
    if error["type"] == "string_too_short":
        return " is empty"
    if error["type"] == "value_error":
        return ": " + _uncapitalised(error["msg"].removeprefix("Value error, "))
    limits = {name: _number(each) for name, each in error.get("ctx", {}).items()}
    wanted = SHOULD_BE.get(error["type"])
    said = f"should be {wanted.format(**limits)}" if wanted else _uncapitalised(error["msg"].removeprefix("Input "))
    return f" {said}, not {in_toml(given)}{_as_a_share(error, given)}"


def _as_a_share(error: ErrorDetails, given: object) -> str:
    """A hint for who writes 75 where 0.75 is meant."""
    if error["type"] != "less_than_equal" or error["ctx"]["le"] not in SHARES or not isinstance(given, int | float):
        return ""
    return f" (it is a share: {given:g} % is {given / 100:g})"


def in_toml(value: object) -> str:
    """*value* as TOML writes it, as far as it fits into a line; a table by that word."""
    text = _written(value)
    return text if len(text) <= A_LINE else text[: A_LINE - 3] + "..."


def _written(value: Any) -> str:  # noqa: ANN401 - parsed TOML
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value[:A_LINE]))}]"
    if isinstance(value, bool | str):
        return json.dumps(value)
    return str(value)


def _number(limit: object) -> str:
    """A limit as people write it: 1,000,000, 0.5, 1."""
    whole = isinstance(limit, float) and math.isfinite(limit) and limit == int(limit)
    return f"{int(limit):,}" if isinstance(limit, int) or whole else str(limit)  # type: ignore[call-overload]


def _uncapitalised(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
