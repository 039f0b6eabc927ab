"""TOML files become models, or one sentence that says which keys are wrong and what they may be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rebalancer.errors import PolicyError
from rebalancer.files.decoding import text_of
from rebalancer.files.documents import Unfit, toml_in
from rebalancer.files.kinds import POLICY
from rebalancer.files.reading import bytes_of
from rebalancer.policy.mistakes import wrong_value
from rebalancer.policy.selectors import close_matches
from rebalancer.units import first_few

DOCUMENTED = "`rebalancer policy init` prints all keys with their values"
CORRECT, ADD = "Correct", "Add"
QUOTES = "text and times of day stand in quotes"
UNQUOTED = ("invalid value", "after a statement")
"""What is said of `mode = balance` and `start = 22:30`."""
SHOWN = 3
OF_A_SECTION = 2
"""Parts of the key of a section."""
Location = Sequence[int | str]

Read = TypeVar("Read", bound=BaseModel)


def from_toml(path: Path | str, kind: type[Read]) -> Read:
    """What the TOML file *path* says, as a *kind*.

    Values are taken as TOML types them: `"95"` is no number, and `true` is not 1.

    Raises:
        PolicyError: the file cannot be read, is no TOML, or has keys that are unknown or out of range.
    """
    try:
        content = toml_in(text_of(bytes_of(Path(path), POLICY)), POLICY)
    except UnicodeDecodeError as error:
        raise PolicyError(str(path), "it is not UTF-8 text", "Save it as UTF-8") from error
    except Unfit as error:
        line = "Correct that line" if "line" in str(error) else "Correct it"
        unquoted = any(words in str(error) for words in UNQUOTED)
        raise PolicyError(str(path), str(error), f"{line}: {QUOTES}" if unquoted else line) from None
    return validated(content, kind, str(path))


def validated(content: dict[str, Any], kind: type[Read], where: str) -> Read:
    """The parsed file as a *kind*; strict types are those of JSON, so TOML times become text."""
    try:
        return kind.model_validate_json(json.dumps(content, default=str), strict=True)
    except ValidationError as error:
        found = [_words(each, content, kind) for each in _causes(error.errors(include_url=False))]
        problems, remedies = zip(*found, strict=True)
        raise PolicyError(where, "; ".join(dict.fromkeys(problems)), ". ".join(_together(remedies))) from None


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
    problem = f"{key}{wrong_value(error, given)}"
    if error["type"] == "tuple_type" and isinstance(given, dict) and _section_at(location, kind) is not kind:
        return problem, f"Write [[{key}]]"
    if error["type"] == "model_type":
        return problem, _known(location, content, kind)
    return problem, CORRECT


def _known(location: Location, content: dict[str, Any], kind: type[BaseModel]) -> str:
    return f"Known in {_key(location, content)}: {', '.join(sorted(_section_at(location, kind).model_fields))}"


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
    return written or "the policy"


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
