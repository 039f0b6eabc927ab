"""Documents as values: pydantic says what is wrong with them, and stops soon after the first mistake.

By itself it collects every mistake, at two thousand bytes each: a file of a million wrong entries fills the memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError, SchemaValidator, core_schema

from rebalancer.files.documents import Unfit
from rebalancer.units import counted, is_likely

Read = TypeVar("Read")

AT_ONCE: Final = 16
"""Entries of a map that are looked at before mistakes in them are told."""
_STRICT: Final = frozenset({"bool", "float", "int", "str"})
_KEYS: Final = {"missing": " is missing", "extra_forbidden": " is no key that this version knows"}
_SPELLED: Final = frozenset({"date", "datetime", "time"})


class DocumentShape(Generic[Read]):
    """What documents of one type look like, with the types that JSON has: `"95"` is no number, and `true` is not 1."""

    def __init__(self, of: type[Read]) -> None:
        self._validator = SchemaValidator(_hasty(TypeAdapter(of).core_schema))

    def read(self, document: object) -> Read:
        """The value that *document*, of lists, dicts, strings and numbers, stands for.

        Raises:
            ValidationError: it is something else; of long lists and maps only the first mistakes are told.
        """
        found: Read = self._validator.validate_python(document)
        return found


def value_in(of: type[Read], document: object) -> Read:
    """The value of a type that *document* stands for.

    Raises:
        Unfit: it is something else; with the first mistake.
    """
    try:
        return DocumentShape(of).read(document)
    except ValidationError as error:
        raise Unfit(first_mistake(error)) from None


def first_mistake(error: ValidationError) -> str:
    """The first mistake that *error* tells, with its place, such as `steps[3].vm is missing`, and how many more."""
    mistakes = error.errors(include_url=False, include_context=False, include_input=False)
    more = f" (and {counted(len(mistakes) - 1, 'more mistake')})" if len(mistakes) > 1 else ""
    first = mistakes[0]
    return f"{_place(first['loc'])}{_words(first['type'], first['msg'])}{more}"


def _place(location: Sequence[int | str]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".") or "the file"


def _words(kind: str, message: str) -> str:
    """What is wrong, in words that follow a place."""
    if kind in _KEYS:
        return _KEYS[kind]
    said = message.removeprefix("Value error, ")
    short = said.removeprefix("Input ")
    return f" {short}" if short != said else f": {said[:1].lower()}{said[1:]}"


def _hasty(schema: Any) -> Any:  # noqa: ANN401 - a core schema, which nests dicts and lists
    """*schema* with strict numbers and strings, whose lists stop at their first wrong entry and maps soon after."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_hasty, schema))
    if not isinstance(schema, Mapping):
        return schema
    made = {key: _hasty(each) for key, each in schema.items()}
    kind = made.get("type") if isinstance(made.get("type"), str) else None
    if kind in _STRICT:
        made |= {"strict": True}
    elif kind == "tuple":
        made |= {"fail_fast": True}
    elif kind == "dict":
        return core_schema.no_info_wrap_validator_function(_piece_by_piece, made)
    elif kind in _SPELLED:
        return core_schema.no_info_wrap_validator_function(_spelled, made)
    return made


def _piece_by_piece(value: Any, validate: core_schema.ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - any map
    if not isinstance(value, dict) or len(value) <= AT_ONCE:
        return validate(value)
    entries = iter(value.items())
    made: dict[Any, Any] = {}
    while piece := dict(islice(entries, AT_ONCE)):
        made |= validate(piece)
    return made


def _spelled(value: object, validate: core_schema.ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - any time
    """The time in *value*, if it is text, which is how JSON says times, and of a year that is likely.

    A time of day that was read by the type's own rules is one already.
    """
    if not isinstance(value, str | time):
        raise PydanticCustomError("time_type", "Input should be a time as text")
    found = validate(value)
    if isinstance(found, date) and not is_likely(found):
        raise PydanticCustomError("time_unlikely", "the year should be one from 1970 to 2199")
    return found
