"""Answers of `/rrd_updates`: XML, JSON of three generations, and the JSON of 8.2 that is none.

Shapes after xapi's `rrd_updates.ml` (`xml_of`, `json_of_t`): the legend names the columns, `CF:owner:uuid:source`; rows
come newest first; the step may be coarser than the one asked for; NaN and Infinity are written out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import unescape

import numpy as np
from numpy.typing import NDArray

from rebalancer.errors import MetricsRefused
from rebalancer.inventory import Uuid

_ENTRY = re.compile(rb"<entry>([^<]*+)</entry>")
_STEP = re.compile(rb"<step>\s*(\d+)\s*</step>")
_WORDS_AND_KEYS = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\Z))|([{,]\s*)([A-Za-z_]\w*)(?=\s*:)', re.DOTALL)
_SHOWN = 60
MOST_READINGS = 8_000_000
"""Six times as many as a host of 1,000 VMs with 8 vCPUs each has hours in a week."""
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


def _readings(
    legend: Sequence[str],
    rows: Sequence[_Row],
    step: int,
    wanted: Callable[[Column], bool],
    number: Callable[[Any], float],
) -> Readings:
    """Rows in any order become arrays in ascending order; of two rows at one time the first counts."""
    if step <= 0:
        raise ValueError(f"a step of {step} s")
    columns = [_column(str(entry)) for entry in legend]
    indices = [index for index, column in enumerate(columns) if wanted(column)]
    if len(rows) * len(indices) > MOST_READINGS:
        raise ValueError(f"{len(rows)} rows of {len(indices)} columns")
    if not all(0 <= time < LATEST for time, _ in rows) or step > LATEST:
        raise ValueError("a time that no clock shows")
    data = np.full((len(rows), len(indices)), np.nan)
    for target, (_, values) in zip(data, rows, strict=True):
        known = [number(values[index]) for index in indices if index < len(values)]
        target[: len(known)] = known
    times, first = np.unique(np.array([time for time, _ in rows], dtype=np.int64), return_index=True)
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
    head, _, data = raw.partition(b"<data>")
    step = _STEP.search(head)
    if step is None:
        raise ValueError("there is no <step>")
    legend = [unescape(entry.decode().strip()) for entry in _ENTRY.findall(head)]
    rows = [_xml_row(row) for row in data.replace(b"<v/>", b"<v></v>").split(b"<row>")[1:]]
    return _readings(legend, rows, int(step[1]), wanted, _xml_number)


def _xml_row(row: bytes) -> _Row:
    """Time and values of a row such as `<t>120</t><v>0.5</v><v>NaN</v></row>`."""
    time, _, values = row.partition(b"</t>")
    return int(time.partition(b"<t>")[2]), values.split(b"</v>")[:-1]


def _xml_number(written: bytes) -> float:
    """A value such as `<v>0.5`, whose closing tag is gone; nothing in it is NaN."""
    return float(written.partition(b"<v>")[2].strip() or b"NaN")


def _from_json(text: str, wanted: Callable[[Column], bool]) -> Readings:
    """JSON: numbers may be strings, `data` may stand inside `meta`, keys may lack their quotes."""
    answer = _loads(text)
    meta: Mapping[str, Any] = answer["meta"]
    data: Sequence[Mapping[str, Any]] = meta["data"] if "data" in meta else answer["data"]
    rows = [(int(row["t"]), row["values"]) for row in data]
    return _readings(meta["legend"], rows, int(meta["step"]), wanted, float)


def _loads(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """JSON, or what 8.2 sends: the same with bare keys."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return json.loads(_WORDS_AND_KEYS.sub(_quoted, text))


def _quoted(match: re.Match[str]) -> str:
    return match[1] or f'{match[2]}"{match[3]}"'


def _beginning(raw: bytes) -> str:
    return f"it starts {raw[:_SHOWN].decode(errors='replace')!r}" if raw.strip() else "it is empty"
