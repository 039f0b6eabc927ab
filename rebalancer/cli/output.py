"""Standard output: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def console() -> Console:
    """Standard output; as wide as it needs to be where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def log() -> Console:
    """Standard error, for the log and the progress."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON document, keys in the order given."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def table(title: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> Table:
    """A table; *columns* maps each heading to `left` or `right`; names from the pool are printed as they are."""
    made = Table(
        title=escape(title), title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for heading, justify in columns.items():
        made.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    for row in rows:
        made.add_row(*(escape(str(cell)) for cell in row))
    return made
