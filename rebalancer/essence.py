"""What a big value says of itself: one line for a terminal, a small table for a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

MOST = 280
"""Characters of a line, so that a `repr` stays below 300 whatever things are called."""


def line_of(kind: str, words: str) -> str:
    """`<Plan of pool 'prod': 7 steps ...>`, shortened where it is long."""
    text = f"{kind} {words}"
    return f"<{text if len(text) <= MOST else text[: MOST - 3] + '...'}>"


def table_of(title: str, facts: Mapping[str, str]) -> str:
    """*facts* as an HTML table below a *title*; names in them cannot be taken for markup."""
    rows = "".join(
        f'<tr><th style="text-align: left">{escape(name)}</th><td style="text-align: left">{escape(words)}</td></tr>'
        for name, words in facts.items()
    )
    return f"<table><caption>{escape(title)}</caption><tbody>{rows}</tbody></table>"
