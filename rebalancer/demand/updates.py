"""Answers of `/rrd_updates`: XML, JSON of three generations, and the JSON of 8.2 that is none.

Shapes after xapi's `rrd_updates.ml` (`xml_of`, `json_of_t`): the legend names the columns, `CF:owner:uuid:source`; rows
come newest first; the step may be coarser than the one asked for; NaN and Infinity are written out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import unescape

import numpy as np
from numpy.typing import NDArray

from rebalancer.errors import MetricsRefused
from rebalancer.inventory import Uuid

_ENTRY = re.compile(rb"<entry>([^<]*+)</entry>")
_STEP = re.compile(rb"<step>\s*(\d+)\s*</step>")
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["']([^"']*)""")
_PROLOG = 200
_WORDS_AND_KEYS = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\Z))|([{,]\s*)([A-Za-z_]\w*)(?=\s*:)', re.DOTALL)
_SHOWN = 60
MOST_READINGS = 8_000_000
"""Six times as many as a host of 1,000 VMs with 8 vCPUs each has hours in a week."""
MOST_COLUMNS = 200_000
"""Three times as many as 1,000 VMs of 60 data sources have."""
MOST_NUMBERS = 5_000_000
"""Commas and brackets in JSON, of which each may be a number, or a list that takes more: hosts are asked for XML, and a
recording of 500 VMs has 3,400,000."""
LONGEST_VALUE, SHORT_ROW = 100, 10_000
"""Bytes of a value with its tags, of which hosts write 30 at most, and of a row without columns."""
LATEST = 7_258_118_400
"""Seconds from 1970 to 2200."""
_Row = tuple[int, Sequence[Any]]
"""End of the interval, and the values as they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one column of an answer measures."""

    consolidation: str
    owner: str
    uuid: Uuid
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """One answer as arrays.

    Args:
        columns: what each column measures, in the order of the answer.
        times: end of the interval of each row, seconds since 1970 by the host's clock, shape (rows,), ascending.
        data: float64, shape (rows, columns), NaN where the host knew nothing.
        step_seconds: length of the interval of each row.
    """

    columns: tuple[Column, ...]
    times: NDArray[np.int64]
    data: NDArray[np.float64]
    step_seconds: int


def parse_updates(body: bytes | str, wanted: Callable[[Column], bool] = lambda _: True) -> Readings:
    """The numbers in an answer of `/rrd_updates`, in whichever format it came.

    Values stand in the order of the legend; the number of columns that the answer states is not believed, because
    Citrix Hypervisor 8.2 states too few. A row with fewer values lacks the last ones; values beyond the legend have no
    name and are left out.

    Args:
        body: the answer.
        wanted: which columns are read; the rest costs little.

    Raises:
        MetricsRefused: the answer is cut off, or is something else.
    """
    raw = body.encode() if isinstance(body, str) else body
    try:
        return _from_json(raw.decode(), wanted) if raw.lstrip()[:1] == b"{" else _from_xml(raw, wanted)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise MetricsRefused([f"the answer is no rrd_updates ({_beginning(raw)}): {error}"]) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """An answer as it is written: so many rows, in any order."""

    legend: Sequence[str]
    rows: Iterable[_Row]
    count: int
    step: int


def _readings(written: _Written, wanted: Callable[[Column], bool], numbers: Callable[[Any], list[float]]) -> Readings:
    """The rows become arrays in ascending order; of two rows at one time the first counts."""
    step, count = written.step, written.count
    if step <= 0:
        raise ValueError(f"a step of {step} s")
    if len(written.legend) > MOST_COLUMNS:
        raise ValueError("more columns than a host has")
    columns = [_column(str(entry)) for entry in written.legend]
    indices = [index for index, column in enumerate(columns) if wanted(column)]
    if count * max(1, len(indices)) > MOST_READINGS:
        raise ValueError(f"{count} rows of {len(indices)} columns")
    data, ends = np.full((count, len(indices)), np.nan), np.zeros(count, dtype=np.int64)
    for place, (time, values) in enumerate(written.rows):
        if not 0 <= time < LATEST or step > LATEST:
            raise ValueError("a time that no clock shows")
        known = numbers([values[index] for index in indices if index < len(values)])
        data[place, : len(known)] = known
        ends[place] = time
    times, first = np.unique(ends, return_index=True)
    return Readings(
        columns=tuple(columns[index] for index in indices), times=times, data=data[first], step_seconds=step
    )


def _column(entry: str) -> Column:
    """A legend entry: the source may hold colons of its own."""
    parts = entry.split(":", maxsplit=3)
    if len(parts) != 4:  # noqa: PLR2004 - CF:owner:uuid:source
        raise ValueError(f"legend entry {entry!r} is not CF:owner:uuid:source")
    return Column(consolidation=parts[0], owner=parts[1], uuid=parts[2], source=parts[3])


def _from_xml(raw: bytes, wanted: Callable[[Column], bool]) -> Readings:
    """XML, by its tags: no parser runs, so that no entity is ever expanded."""
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise ValueError("it declares a document type")
    if b"<xport" not in raw or not raw.rstrip().endswith(b"</xport>"):
        raise ValueError("it is cut off" if b"<xport" in raw else "there is no <xport>")
    if not _in_utf8(raw[:_PROLOG]):
        raise ValueError("it is not in UTF-8")
    begins = raw.find(b"<data>") if b"<data>" in raw else len(raw)
    head = raw[:begins]
    step = _STEP.search(head)
    if step is None:
        raise ValueError("there is no <step>")
    if head.count(b"<entry>") > MOST_COLUMNS:
        raise ValueError("more columns than a host has")
    legend = [unescape(entry.decode().strip()) for entry in _ENTRY.findall(head)]
    rows, count = _xml_rows(raw, begins, len(legend)), raw.count(b"<row>", begins)
    return _readings(_Written(legend=legend, rows=rows, count=count, step=int(step[1])), wanted, _xml_numbers)


def _in_utf8(prolog: bytes) -> bool:
    """Whether an answer declares the encoding that it is read in, or none."""
    declared = _ENCODING.search(prolog)
    return declared is None or declared[1].lower() in {b"utf-8", b"us-ascii"}


def _xml_rows(raw: bytes, place: int, columns: int) -> Iterator[_Row]:
    """The rows after *place*, one at a time, because all of them at once take many times the answer."""
    while (begins := raw.find(b"<row>", place)) >= 0:
        place = raw.find(b"<row>", begins + 1)
        place = len(raw) if place < 0 else place
        if place - begins > LONGEST_VALUE * columns + SHORT_ROW:
            raise ValueError("a row that is longer than its columns")
        yield _xml_row(raw[begins:place].replace(b"<v/>", b"<v></v>"), columns)


def _xml_row(row: bytes, columns: int) -> _Row:
    """Time and values of a row such as `<t>120</t><v>0.5</v><v>NaN</v></row>`, no more than it has *columns*."""
    time, _, values = row.partition(b"</t>")
    inside = values.rpartition(b"</v>")[0]
    written = inside[len(b"<v>") :].split(b"</v><v>")
    # As XAPI writes it: a tag begins before the first value, and two between values.
    if not inside.startswith(b"<v>") or inside.count(b"<") != 2 * len(written) - 1:
        written = [each.partition(b"<v>")[2] for each in values.split(b"</v>", columns)[:-1]]
    return int(time.partition(b"<t>")[2]), written[:columns]


def _xml_numbers(written: Sequence[bytes]) -> list[float]:
    """Values such as `0.5`; nothing in one is NaN."""
    try:
        return [*map(float, written)]
    except ValueError:
        return [float(each.strip() or b"NaN") for each in written]


def _from_json(text: str, wanted: Callable[[Column], bool]) -> Readings:
    """JSON: numbers may be strings, `data` may stand inside `meta`, keys may lack their quotes."""
    answer = _loads(text)
    meta: Mapping[str, Any] = answer["meta"]
    data: Sequence[Mapping[str, Any]] = meta["data"] if "data" in meta else answer["data"]
    rows = ((int(row["t"]), row["values"]) for row in data)
    written = _Written(legend=meta["legend"], rows=rows, count=len(data), step=int(meta["step"]))
    return _readings(written, wanted, lambda values: [*map(float, values)])


def _loads(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """JSON, or what 8.2 sends: the same with bare keys."""
    if sum(map(text.count, ",[{")) > MOST_NUMBERS:
        raise ValueError("more numbers than a host has")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return json.loads(_WORDS_AND_KEYS.sub(_quoted, text))


def _quoted(match: re.Match[str]) -> str:
    return match[1] or f'{match[2]}"{match[3]}"'


def _beginning(raw: bytes) -> str:
    return f"it starts {raw[:_SHOWN].decode(errors='replace')!r}" if raw.strip() else "it is empty"
