"""Text and tables in GitHub's Markdown. Names from the pool cannot become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rebalancer.sanitise import one_line


def markdown_text(text: str) -> str:
    """*text* as Markdown shows it literally, also inside a table."""
    escaped = re.sub(r"([\\`*_\[\]<>|~&$@#])", r"\\\1", one_line(text))
    return escaped.replace("://", ":\\//").replace("www.", "www\\.")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table; a column whose heading ends in `>` is aligned to the right."""
    yield "| " + " | ".join(column.rstrip(">") for column in columns) + " |"
    yield "|" + "|".join("---:" if column.endswith(">") else "---" for column in columns) + "|"
    for row in rows:
        yield "| " + " | ".join(markdown_text(str(cell)) for cell in row) + " |"
