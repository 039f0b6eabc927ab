r"""The s-expressions in which XAPI's database keeps sets and maps.

`('a' 'b')` is a set, `(('key' 'value'))` a map; inside quotes a backslash protects the next character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(r"\s*(?:([()])|'((?:[^'\\]|\\.)*)')", re.DOTALL)
_PROTECTED: Final = re.compile(r"\\(.)", re.DOTALL)


class NotAnExpression(ValueError):
    """A text is not the set or map that it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return repr(self.text[:60])


def read_set(text: str) -> list[str]:
    """The members of a set of strings, in their order.

    Raises:
        NotAnExpression: the text is something else.
    """
    marks, members = _split(text)
    if marks != "(" + "s" * len(members) + ")":
        raise NotAnExpression(text)
    return members


def read_map(text: str) -> dict[str, str]:
    """A map from string to string.

    Raises:
        NotAnExpression: the text is something else.
    """
    marks, members = _split(text)
    if marks != "(" + "(ss)" * (len(members) // 2) + ")":
        raise NotAnExpression(text)
    return dict(zip(members[::2], members[1::2], strict=True))


def _split(text: str) -> tuple[str, list[str]]:
    """The shape of an expression, with an `s` for every string, and its strings."""
    marks, members, end = [], [], 0
    for found in _tokens(text):
        end = found.end()
        marks.append(found[1] or "s")
        if found[1] is None:
            members.append(_PROTECTED.sub(r"\1", found[2]))
    if text[end:].strip():
        raise NotAnExpression(text)
    return "".join(marks), members


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Parentheses and quoted strings, up to the first thing that is neither."""
    position = 0
    while found := _TOKEN.match(text, position):
        yield found
        position = found.end()
