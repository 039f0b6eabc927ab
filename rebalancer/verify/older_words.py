"""Words that plans of earlier versions have for the same: whoever approved one need not approve it again."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = r"\d[\d.,]*(?: [KMGT]?i?B)?"
_SINCE: Final = (
    (re.compile(rf": ({_SIZE}) of at most ({_SIZE})(?=[;,. ]|$)"), r": \1 (limit \2)"),
    (re.compile(r"^takes it away from "), "separates it from "),
    (re.compile(r"^takes it off "), "moves it off "),
    (re.compile(r"^leaves nobody on (.*)$"), r"leaves \1 empty"),
)


def in_words_of_today(text: str) -> str:
    """*text* of a plan, in the words that this version has for it."""
    for older, newer in _SINCE:
        text = older.sub(newer, text)
    return text
