"""JSON and TOML from outside: no deeper than they go, no longer than numbers are, and nothing said twice.

What the parsers of Python take beyond that is refused: a key that stands twice, of which people and programs may read
another one; NaN and Infinity; integers that no 64 bits hold; half a surrogate pair, which nothing can print.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from math import isfinite
from typing import Any, Final

from rebalancer.files.kinds import FileKind

MOST_DIGITS: Final = 19
"""Digits of an integer: 64 bits hold no more."""
MOST_KEYS: Final = 200_000
"""Keys of an object: four times as many as the largest pools have disks."""
DEEPEST: Final = 16
"""Levels of a TOML file, dotted keys included; a policy has three. JSON is as deep as its parsers go: 200 levels."""
_LONE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_TOML: Final = re.compile(
    r"'''.*?(?:'{3,5}|\Z)|\"\"\"(?:[^\\]|\\.)*?(?:\"{3,5}|\Z)|'[^'\n]*'?|\"(?:[^\"\\\n]|\\.)*\"?|#[^\n]*|[][{}.,=\n]|[\w+-]{20,}",
    re.DOTALL,
)
_KEY: Final = re.compile(r"\('[^()]*\)")
"""A key in words of `tomllib`: a tuple of its parts."""
_PART: Final = re.compile(r"'([^']*)'")
_MARKS: Final = frozenset("[]{}.,=\n")
_INTEGER: Final = re.compile(r"[+-]?(?:\d[\d_]*|0[xob]\w+)")


class Unfit(ValueError):
    """A document that cannot be used; the text says why, and may say `line N`."""


def json_in(content: bytes | str, kind: FileKind) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The value that *content* is in JSON.

    Raises:
        Unfit: it is none, says something twice, or has more values, levels or digits than a *kind* has.
    """
    try:
        text = content if isinstance(content, str) else content.decode()
        _assert_few(sum(map(text.count, ",:[{")), kind)
        found = json.loads(text, **_HOOKS)
        if _LONE.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise Unfit(f"it is truncated or no JSON: {error.msg} (line {error.lineno})") from None
    except UnicodeEncodeError:
        raise Unfit("it holds half a surrogate pair, which is no character") from None
    except UnicodeDecodeError:
        raise Unfit("it is no text in UTF-8") from None
    except RecursionError:
        raise Unfit("too many levels stand in each other") from None
    return found


def toml_in(text: str, kind: FileKind) -> dict[str, Any]:
    """The table that *text* is in TOML.

    Raises:
        Unfit: it is none, or has more values, levels or digits than a *kind* has.
    """
    _assert_plain(text, kind)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        words = _KEY.sub(lambda key: ".".join(_PART.findall(key[0])), str(error))
        raise Unfit(f"it is not TOML: {words[:1].lower()}{words[1:]}") from None


def _assert_plain(text: str, kind: FileKind) -> None:
    """Pass where brackets and dotted keys are no deeper than *kind*, and integers no longer than 64 bits hold.

    A key of a thousand parts takes its parser a million steps.
    """
    depth = dots = values = 0
    for found in _TOML.finditer(text):
        part = found[0]
        if part in _MARKS:
            depth += (part in "[{") - (part in "]}")
            dots = 0 if part in "=\n" else dots + (part == ".")
            values += part != "."
        elif _INTEGER.fullmatch(part) and len(part.replace("_", "")) > MOST_DIGITS:
            line = text.count("\n", 0, found.start()) + 1
            raise Unfit(f"it has a number of {len(part)} digits (line {line})")
        if max(depth, dots) > DEEPEST:
            raise Unfit(f"more than {DEEPEST} levels stand in each other")
    _assert_few(values, kind)


def _assert_few(values: int, kind: FileKind) -> None:
    if values > kind.most_values:
        raise Unfit(f"it has more than {kind.most_values:,} values, which is too many for a {kind.name}")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > MOST_KEYS:
        raise Unfit(f"an object has more than {MOST_KEYS:,} keys")
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise Unfit(f"a key stands twice in one object ({twice[:40]!r})")
    return found


def _constant(name: str) -> object:
    raise Unfit(f"{name} is no number")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS or not -(1 << 63) <= (found := int(digits)) < 1 << 63:
        raise Unfit(f"it has a number of {len(digits)} digits")
    return found


def _number(digits: str) -> float:
    if not isfinite(found := float(digits)):
        raise Unfit(f"{digits[:20]} is too large for a number")
    return found


_HOOKS: Final[dict[str, Any]] = {
    "object_pairs_hook": _object,
    "parse_constant": _constant,
    "parse_int": _integer,
    "parse_float": _number,
}
