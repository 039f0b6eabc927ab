"""TOML files become models, or one sentence that says which keys are wrong and what they may be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rebalancer.errors import PolicyError
from rebalancer.files.decoding import text_of
from rebalancer.files.documents import Unfit, toml_in
from rebalancer.files.kinds import POLICY
from rebalancer.files.reading import bytes_of
from rebalancer.policy.mistakes import refused

QUOTES = "text and times of day stand in quotes"
UNQUOTED = ("invalid value", "after a statement")
"""What is said of `mode = balance` and `start = 22:30`."""

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
        raise refused(error, content, kind, where) from None
