"""New VMs by size, from a CSV file."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError
from rebalancer.files.decoding import text_of
from rebalancer.files.kinds import TABLE
from rebalancer.files.reading import bytes_of
from rebalancer.whatif.newcomers.shape import Shape

NEEDED: Final = ("vcpus", "memory_gib")
COLUMNS: Final = (*NEEDED, "name", "load", "disk_gib", "sr", "networks", "tags", "count")
EXPECTED: Final = f"The columns are {', '.join(NEEDED)}, and as wanted {', '.join(COLUMNS[2:])}"
FIRST_LINE: Final = 2
MOST: Final = 10_000
"""VMs that a row may ask for."""


def shapes_in(path: Path | str) -> tuple[tuple[Shape, int], ...]:
    """Each row of the CSV file at *path*: a size, and how many of it. `networks` and `tags` are parted by semicolons.

    Raises:
        InputError: the file cannot be read, has other columns, or a row says nothing that can be.
    """
    try:
        text = text_of(bytes_of(Path(path), TABLE))
    except UnicodeDecodeError as error:
        raise InputError(str(path), "it is not UTF-8 text", "Save it as UTF-8") from error
    rows = csv.DictReader(StringIO(text))
    columns = tuple(rows.fieldnames or ())
    if not set(NEEDED) <= set(columns) <= set(COLUMNS):
        raise InputError(str(path), f"its columns are {', '.join(columns) or 'none'}", EXPECTED)
    return tuple(_shape(row, f"{path}, line {line}") for line, row in enumerate(rows, FIRST_LINE))


def _shape(row: dict[str, str], where: str) -> tuple[Shape, int]:
    given = {key: value.strip() for key, value in row.items() if key and value and value.strip()}
    count = int(_number(given, "count", where) or 1)
    if not 1 <= count <= MOST or None in row.values():
        raise InputError(where, f"{count} VMs, or fewer cells than columns", f"Give 1 to {MOST}")
    load = _number(given, "load", where)
    shape = Shape(
        vcpus=int(_number(given, "vcpus", where) or 0),
        memory_gib=_number(given, "memory_gib", where) or 0.0,
        load=load,
        disk_gib=_number(given, "disk_gib", where) or 0.0,
        sr=given.get("sr"),
        networks=_several(given.get("networks", "")),
        tags=_several(given.get("tags", "")),
        name=given.get("name", "new"),
    )
    return shape, count


def _number(given: dict[str, str], key: str, where: str) -> float | None:
    if key not in given:
        return None
    try:
        return float(given[key])
    except ValueError:
        raise InputError(where, f"{key} is {given[key]!r}, which is no number", EXPECTED) from None


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())
