"""TOML files become models, or one sentence that says which keys are wrong and what they may be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rebalancer.errors import PolicyError
from rebalancer.files.decoding import text_of
from rebalancer.files.documents import Unfit, toml_in
from rebalancer.files.kinds import POLICY
from rebalancer.files.reading import bytes_of
from rebalancer.policy.selectors import close_matches

DOCUMENTED = "`rebalancer policy init` prints all keys with their values"

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
        raise PolicyError(
            str(path), str(error), "Correct that line" if "line" in str(error) else "Correct it"
        ) from None
    return _validated(content, kind, str(path))


def _validated(content: dict[str, Any], kind: type[Read], where: str) -> Read:
    """The parsed file as a *kind*; strict types are those of JSON, so TOML times become text."""
    try:
        return kind.model_validate_json(json.dumps(content, default=str), strict=True)
    except ValidationError as error:
        found = [_words(each, content, kind) for each in error.errors(include_url=False)]
        problems, remedies = (dict.fromkeys(words) for words in zip(*found, strict=True))
        raise PolicyError(where, "; ".join(problems), ". ".join(remedies)) from None


def _words(error: ErrorDetails, content: dict[str, Any], kind: type[BaseModel]) -> tuple[str, str]:
    key = _key(error["loc"], content)
    if error["type"] == "extra_forbidden":
        known = sorted(_section_at(error["loc"][:-1], kind).model_fields)
        section = _key(error["loc"][:-1], content)
        guess = close_matches(str(error["loc"][-1]), known)
        return f"unknown key {key}" + (f" ({guess})" if guess else ""), f"Known in {section}: {', '.join(known)}"
    if error["type"] == "missing":
        return f"{key} is missing", f"Add it: {DOCUMENTED}"
    if error["type"] == "too_short":
        return f"{key} names nobody", f"Name at least {error['ctx']['min_length']}, or take the section out"
    given = f", not {_shown(error['input'])}" if error["loc"] and not isinstance(error["input"], dict) else ""
    message = _uncapitalised(error["msg"].removeprefix("Value error, ").removeprefix("Input "))
    separator = ": " if error["type"] == "value_error" else " "
    return f"{key}{separator}{message}{'' if error['type'] == 'value_error' else given}", f"Correct it: {DOCUMENTED}"


def _key(location: Sequence[int | str], content: Any) -> str:  # noqa: ANN401 - parsed TOML
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


def _section_at(location: Sequence[int | str], section: type[BaseModel]) -> type[BaseModel]:
    for part in location:
        if isinstance(part, str):
            kind = section.model_fields[part].annotation
            section = next(each for each in (kind, *get_args(kind)) if isinstance(each, type) and each is not tuple)
    return section


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - one line of a terminal


def _uncapitalised(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
