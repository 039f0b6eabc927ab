"""Text as people and their programs write it: the first bytes say how it is encoded."""

from __future__ import annotations

import codecs
from typing import Final

WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MARKS: Final = (codecs.BOM_UTF8, *WIDE)
"""Byte order marks."""


def in_utf8(content: bytes) -> bytes:
    """*content* in UTF-8 without a byte order mark, if a mark says what it is; otherwise as it is.

    Editors of Windows write such marks, and its shell UTF-16.
    """
    if content.startswith(WIDE):
        return content.decode("utf-16", errors="replace").encode(errors="replace")
    return content.removeprefix(codecs.BOM_UTF8)


def text_of(content: bytes) -> str:
    """The text in *content*.

    Raises:
        UnicodeDecodeError: it is none.
    """
    return in_utf8(content).decode()
