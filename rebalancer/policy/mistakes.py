"""What pydantic finds wrong with a policy, in one sentence, in the words of TOML: tables and lists, text in quotes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rebalancer.errors import PolicyError
from rebalancer.policy.selectors import close_matches
from rebalancer.units import first_few

DOCUMENTED = "`rebalancer policy init` prints all keys with their values"
CORRECT, ADD = "Correct", "Add"
A_TIME = "a time with a date and a zone, such as 2026-03-01T23:10:00Z"
SHOULD_BE: Mapping[str, str] = {
    "model_type": "a table",
    "mapping_type": "a table",
    "dict_type": "a table",
    "tuple_type": "a list",
    "string_type": "text in quotes",
    "string_pattern_mismatch": "a word such as \"rack\", without ':' and not beginning with a space",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
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
SHOWN = 3
OF_A_SECTION = 2
"""Parts of the key of a section."""
Location = Sequence[int | str]


def refused(error: ValidationError, content: dict[str, Any], kind: type[BaseModel], where: str) -> PolicyError:
    """*error* of the keys and values *content* of a *kind*, as one sentence that begins with *where*."""
    found = [_words(each, content, kind) for each in _causes(error.errors(include_url=False))]
    problems, remedies = zip(*found, strict=True)
    return PolicyError(where, "; ".join(dict.fromkeys(problems)), ". ".join(_together(remedies)))


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


def _written(value: Any) -> str:  # noqa: ANN401 - parsed TOML, or what Python gave
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, BaseModel):
        return f"a {type(value).__name__}"
    if isinstance(value, list | tuple):
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


def _causes(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """*errors* without lists that are too short only because what stands in them is wrong."""
    wrong = {each["loc"][:-1] for each in errors}
    return [each for each in errors if each["type"] != "too_short" or each["loc"] not in wrong]


def _together(remedies: Sequence[str]) -> list[str]:
    """Each remedy once; those that point to the manual in one sentence."""
    general = [each for each in remedies if each in {CORRECT, ADD}]
    verbs = " or ".join(dict.fromkeys(general)).replace(f"or {ADD}", "or add").replace(f"or {CORRECT}", "or correct")
    pointed = [f"{verbs} {'it' if len(general) == 1 else 'them'}: {DOCUMENTED}"] if general else []
    return pointed + list(dict.fromkeys(each for each in remedies if each not in {CORRECT, ADD}))


def _words(error: ErrorDetails, content: dict[str, Any], kind: type[BaseModel]) -> tuple[str, str]:
    """What is wrong, with the key, and what to do about it."""
    location, key = error["loc"], _key(error["loc"], content)
    if error["type"] == "extra_forbidden":
        known = _known(location[:-1], content, kind)
        return f"unknown key {key}{_guess(location, kind)}", known
    if error["type"] == "missing":
        return f"{key} is missing", ADD
    if error["type"] == "too_short":
        return f"{key} names nobody", f"Name at least {error['ctx']['min_length']}, or take the section out"
    given = _value_at(location, content, error["input"])
    problem = f"{key}{wrong_value(error, given)}".removeprefix(": ")
    if error["type"] == "tuple_type" and isinstance(given, dict) and _section_at(location, kind) is not kind:
        return problem, f"Write [[{key}]]"
    if error["type"] == "model_type":
        return problem, _known(location, content, kind)
    return problem, CORRECT


def _known(location: Location, content: dict[str, Any], kind: type[BaseModel]) -> str:
    """The keys of the table at *location*."""
    place = f"Known in {_key(location, content)}" if location else "Known keys"
    return f"{place}: {', '.join(sorted(_section_at(location, kind).model_fields))}"


def _guess(location: Location, kind: type[BaseModel]) -> str:
    """What the unknown key at *location* may have meant: one that is near to it, or one of another section."""
    name = str(location[-1])
    if near := close_matches(name, _section_at(location[:-1], kind).model_fields):
        return f" ({near})"
    elsewhere = [key for key in _dotted(kind) if key.rpartition(".")[2] == name]
    return f" (there is {first_few(elsewhere, SHOWN)})" if elsewhere and len(location) <= OF_A_SECTION else ""


def _dotted(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of *section* and below."""
    for name in section.model_fields:
        yield prefix + name
        if (below := _section_at((name,), section)) is not section:
            yield from _dotted(below, f"{prefix}{name}.")


def _value_at(location: Location, content: dict[str, Any], otherwise: object) -> object:
    """What stands at *location* of the parsed file; *otherwise* where nothing does."""
    here: object = content
    for part in location:
        here = _below(here, part)
    return otherwise if here is None else here


def _key(location: Location, content: Any) -> str:  # noqa: ANN401 - parsed TOML
    """A dotted path such as `apart[2] 'databases'.at_most`, counted from 1."""
    written, here = "", content
    for part in location:
        here = _below(here, part)
        if isinstance(part, int):
            name = here.get("name") if isinstance(here, dict) else None
            written += f"[{part + 1}]" + (f" {name!r}" if isinstance(name, str) else "")
        else:
            written += f".{part}" if written else part
    return written


def _below(here: Any, part: int | str) -> Any:  # noqa: ANN401 - parsed TOML
    """One level deeper in the parsed file; None where there is nothing."""
    try:
        return here[part]
    except (KeyError, IndexError, TypeError):
        return None


def _section_at(location: Location, section: type[BaseModel]) -> type[BaseModel]:
    """The model of the table at *location* below *section*, or of the entries of a list there; else that above it."""
    for part in location:
        if isinstance(part, str) and part in section.model_fields:
            kind = section.model_fields[part].annotation
            models = (each for each in (kind, *get_args(kind)) if isinstance(each, type) and each is not tuple)
            section = next((each for each in models if issubclass(each, BaseModel)), section)
    return section
