"""Text and tables in GitHub's Markdown. Names from the pool cannot become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rebalancer.sanitise import one_line


def markdown_text(text: str) -> str:
    """*text* as Markdown shows it literally, also inside a table."""
    escaped = re.sub(r"([\\`*_\[\]<>|~&$@#])", r"\\\1", one_line(text))
    return escaped.replace("://", ":\\//").replace("www.", "www\\.")


def paragraph_text(text: str) -> str:
    """*text* as Markdown shows it literally at the start of a line: it begins no list, heading or code."""
    return re.sub(r"^([-+=]|\d{1,9}(?=[.)]))", _literally, markdown_text(text).strip())


def _literally(found: re.Match[str]) -> str:
    return f"\\{found[0]}" if not found[0].isdigit() else f"{found[0]}\\"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table; a column whose heading ends in `>` is aligned to the right."""
    yield "| " + " | ".join(column.rstrip(">") for column in columns) + " |"
    yield "|" + "|".join("---:" if column.endswith(">") else "---" for column in columns) + "|"
    for row in rows:
        yield "| " + " | ".join(markdown_text(str(cell)) for cell in row) + " |"


FOLDED = 20
"""Rows of a table that are folded: whoever reads a ticket opens them."""


def long_table(what: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table, folded where it is long; *what* its rows are, as in `102 steps`, is plain words without names."""
    lines = list(table(columns, rows))
    yield from folded(f"{len(lines) - 2} {what}", lines) if len(lines) - 2 > FOLDED else lines


def folded(summary: str, lines: Sequence[str]) -> Iterator[str]:
    """*lines* that are shown once somebody opens *summary*, which is plain words without names.

    The empty lines end the HTML, so that what is between them is Markdown (CommonMark, HTML blocks of type 6).
    """
    yield from ("<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>")
