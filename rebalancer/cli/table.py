"""Tables that stay tables: running text that finds no room goes below its row, long names are cut in the middle.

Where nobody looks, the output has no width, and every cell stands whole in its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size
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

SHORTEST = 12
"""Cells that a name is cut to at least."""

ENDING = 10
"""Cells at the end of a name that are kept: the start of a uuid, where there is one."""


def table(title: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> Group:
    """*rows* below their headings, as wide as standard output; an empty *title* is left out.

    Args:
        title: what stands above.
        columns: how each heading's cells stand: `left` or `right`, never broken; `name`, to the left, cut in the middle
            where there is no room; `text`, which may be broken between words; `list`, which is only where all else
            finds no room; `spare`, left out then.
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
        self._below: list[int] = []
        self._beside = list(range(len(columns)))
        self._breaks = False
        if not self._fits():
            self._make_room()

    def head(self) -> str:
        return "".join(self._side_by_side(self._names)).rstrip()

    def body(self) -> Iterator[str]:
        for row in self._rows:
            *first, last = self._side_by_side(row) or [""]
            before = "".join(first)
            lines = _broken(last.rstrip(), self._room - cell_len(before)) if self._breaks else [last.rstrip()]
            yield from (
                f"{before if not number else ' ' * cell_len(before)}{line}".rstrip()
                for number, line in enumerate(lines)
            )
            yield from self._texts(row)

    def _make_room(self) -> None:
        """What goes below its row or is left out, one after another until the others fit; then names are cut."""
        texts, lists, spare = (self._of_kind(kind) for kind in ("text", "list", "spare"))
        self._breaks = texts == [len(self._names) - 1] and self._width(self._beside[:-1]) + GAP + READABLE <= self._room
        if self._breaks:
            return
        for below, out in ((texts, []), ([*lists, *texts], []), ([*lists, *texts], spare)):
            self._below = below
            self._beside = [each for each in range(len(self._names)) if each not in {*below, *out}]
            if self._fits():
                return
        self._cut()

    def _cut(self) -> None:
        names = [each for each in self._of_kind("name") if each in self._beside]
        while not self._fits():
            widest = max(names, key=self._widths.__getitem__, default=-1)
            if widest < 0 or self._widths[widest] <= max(SHORTEST, cell_len(self._names[widest])):
                return
            self._widths[widest] -= 1

    def _of_kind(self, kind: str) -> list[int]:
        return [number for number, each in enumerate(self._kinds) if each == kind]

    def _fits(self) -> bool:
        return self._width(self._beside) <= self._room

    def _width(self, columns: Sequence[int]) -> int:
        return sum(self._widths[each] for each in columns) + GAP * max(0, len(columns) - 1)

    def _side_by_side(self, row: Sequence[str]) -> list[str]:
        return [self._padded(number, row[number]) for number in self._beside]

    def _padded(self, number: int, cell: str) -> str:
        if self._kinds[number] == "name":
            cell = _shortened(cell, self._widths[number])
        blanks = " " * (self._widths[number] - cell_len(cell))
        return (blanks + cell if self._kinds[number] == "right" else cell + blanks) + " " * GAP

    def _texts(self, row: Sequence[str]) -> Iterator[str]:
        for number in self._below:
            if row[number]:
                for line in _broken(f"{self._names[number]}: {row[number]}", self._room - INDENT):
                    yield " " * INDENT + line


def _shortened(name: str, width: int) -> str:
    """*name* in at most *width* cells: its start and its end."""
    if cell_len(name) <= width:
        return name
    end = name[-ENDING:]
    while cell_len(end) > ENDING or (end and not cell_len(end[0])):
        end = end[1:]
    return f"{set_cell_size(name, width - 1 - cell_len(end)).rstrip()}…{end}"


def below(words: str) -> Group:
    """*words* below a table, a little to the right in all of their lines."""
    return Group(*(plain(" " * GAP + line) for line in _broken(words, console().width - GAP)))


def _broken(words: str, width: int) -> list[str]:
    return [line.plain.rstrip() for line in Text(words).wrap(console(), max(width, 1))] or [""]
