"""CPU features as xapi writes them: groups of eight hex digits between hyphens."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[0-9a-fA-F]{1,8}")


@lru_cache(maxsize=4096)
def feature_words(features: str) -> tuple[int, ...] | None:
    """The words of a feature string; None if it is not one."""
    words = features.split("-") if features else []
    return tuple(int(word, 16) for word in words) if all(_WORD.fullmatch(word) for word in words) else None
