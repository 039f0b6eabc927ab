"""Tables that break no name: running text that finds no room beside its row goes below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Group
from rich.text import Text

from rebalancer.cli.output import console, heading, plain
from rebalancer.sanitise import one_line

GAP = 2
"""How many blanks separate columns."""

INDENT = 4
"""Blanks before text that stands below its row."""

READABLE = 40
"""Columns that running text needs to be read beside its row."""

SHOWN = 4
"""How many names a cell lists."""


def table(title: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> Group:
    """*rows* below their headings, as wide as standard output; an empty *title* is left out.

    Args:
        title: what stands above.
        columns: how each heading's cells stand: `left`, `right`, or `text` for what may be broken between words.
        rows: the cells, as many in each as there are columns.
    """
    grid = _Grid(columns, [[one_line(str(cell)) for cell in row] for row in rows])
    lines = [heading(grid.head()), *(plain(line) for line in grid.body())]
    return Group(heading(title), *lines) if title else Group(*lines)


class _Grid:
    def __init__(self, columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> None:
        self._names, self._kinds, self._rows = list(columns), list(columns.values()), rows
        self._widths = [max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True)]
        self._room = console().width
        texts = [number for number, kind in enumerate(self._kinds) if kind == "text"]
        beside = self._room - self._start(len(columns) - 1) >= READABLE and texts == [len(columns) - 1]
        fits = self._start(len(columns)) - GAP <= self._room
        self._below = [] if fits or beside else texts

    def head(self) -> str:
        return "".join(self._side_by_side(self._names)).rstrip()

    def body(self) -> Iterator[str]:
        for row in self._rows:
            *first, last = self._side_by_side(row) or [""]
            before = "".join(first)
            breaks = not self._below and self._kinds[-1] == "text"
            lines = _broken(last.rstrip(), self._room - cell_len(before)) if breaks else [last.rstrip()]
            yield from (
                f"{before if not number else ' ' * cell_len(before)}{line}" for number, line in enumerate(lines)
            )
            yield from self._texts(row)

    def _side_by_side(self, row: Sequence[str]) -> list[str]:
        return [self._padded(number, cell) for number, cell in enumerate(row) if number not in self._below]

    def _padded(self, number: int, cell: str) -> str:
        blanks = " " * (self._widths[number] - cell_len(cell))
        return (blanks + cell if self._kinds[number] == "right" else cell + blanks) + " " * GAP

    def _texts(self, row: Sequence[str]) -> Iterator[str]:
        for number in self._below:
            if row[number]:
                for line in _broken(f"{self._names[number]}: {row[number]}", self._room - INDENT):
                    yield " " * INDENT + line

    def _start(self, number: int) -> int:
        return sum(self._widths[:number]) + GAP * number


def below(words: str) -> Group:
    """*words* below a table, a little to the right in all of their lines."""
    return Group(*(plain(" " * GAP + line) for line in _broken(words, console().width - GAP)))


def _broken(words: str, width: int) -> list[str]:
    return [line.plain.rstrip() for line in Text(words).wrap(console(), max(width, 1))] or [""]
