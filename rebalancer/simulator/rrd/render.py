"""RRD answers as text: XML, and the three JSON generations. Rows come newest first in updates, oldest first in RRDs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SPELLINGS = {0.0: "0.0", float("nan"): "NaN", float("inf"): "Infinity", float("-inf"): "-Infinity"}


class Generation(Enum):
    """Whose answers are given: of XCP-ng 8.2, of xcp-rrd 1.10 (2023), or of xapi 24.11 and newer."""

    OLD = "8.2"
    NESTED = "1.10"
    NEW = "24.11"

    @property
    def number_format(self) -> str:
        """How a value is written: four decimals on 8.2, five digits until xapi 25.3, fifteen since."""
        return {Generation.OLD: "%.4f", Generation.NESTED: "%.5g", Generation.NEW: "%.15g"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A table of measurements, newest row first.

    Args:
        start: what meta.start says, seconds since the epoch.
        step: seconds a row.
        ends: end of each row.
        legend: CF:owner:uuid:source of each column.
        table: [row, column].
    """

    start: int
    step: int
    ends: NDArray[np.int64]
    legend: Sequence[str]
    table: Array

    @property
    def head(self) -> dict[str, int]:
        """The numbers of the meta block."""
        end = int(self.ends[0]) if len(self.ends) else self.start
        rows, columns = len(self.ends), len(self.legend)
        return {"start": self.start, "step": self.step, "end": end, "rows": rows, "columns": columns}


def numbers(table: Array, number: str, before: str, after: str, joint: str = "") -> list[str]:
    """Each row of a table as text, as f_to_s spells zero and what is no number.

    One format call a row: a hundred times faster than one a value. With `before` and `after`, which stand around every
    value, and the `joint` between two, no value may look like a seam.
    """
    whole = joint.join([before + number + after] * table.shape[1])
    rows = [whole % tuple(row) for row in table.tolist()]
    for value, spelling in SPELLINGS.items():
        plain = before + number % value + after
        rows = [row.replace(plain, before + spelling + after) for row in rows]
    return rows


def xml(export: Export, generation: Generation) -> str:
    """The answer to /rrd_updates in XML, alike in all generations."""
    head = "".join(f"<{name}>{value}</{name}>" for name, value in export.head.items())
    legend = "".join(f"<entry>{entry}</entry>" for entry in export.legend)
    rows = numbers(export.table, generation.number_format, "<v>", "</v>")
    data = "".join(f"<row><t>{end}</t>{row}</row>" for end, row in zip(export.ends.tolist(), rows, strict=True))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<xport><meta>{head}<legend>{legend}</legend></meta>'
        f"<data>{data}</data></xport>"
    )


def json(export: Export, generation: Generation) -> str:
    """The answer to /rrd_updates in the JSON of a generation; that of 8.2 is none."""
    if generation is Generation.OLD:
        return _bare(export, generation)
    head = ",".join(f'"{name}":"{value}"' for name, value in export.head.items())
    legend = ",".join(f'"{entry}"' for entry in export.legend)
    rows = numbers(export.table, generation.number_format, '"', '"', ",")
    data = ",".join(f'{{"t":"{t}","values":[{row}]}}' for t, row in zip(export.ends.tolist(), rows, strict=True))
    if generation is Generation.NESTED:
        return f'{{"meta":{{{head},"legend":[{legend}],"data":[{data}]}}}}'
    return f'{{"meta":{{{head},"legend":[{legend}]}},"data":[{data}]}}'


def _bare(export: Export, generation: Generation) -> str:
    head = ",".join(f"{name}:{value}" for name, value in export.head.items())
    legend = ",".join(f'"{entry}"' for entry in export.legend)
    rows = numbers(export.table, generation.number_format, " ", " ", ",")
    rows = [row.replace(" ", "") for row in rows]
    data = ",".join(f"{{t:{t},values:[{row}]}}" for t, row in zip(export.ends.tolist(), rows, strict=True))
    return f"{{meta: {{{head},legend:[{legend}]}},data:[{data}]}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArchive:
    """One archive of a whole RRD: what its function keeps of each `step` seconds, oldest row first."""

    function: str
    step: int
    table: Array


def whole(names: Sequence[str], archives: Sequence[StoredArchive], updated: int, generation: Generation) -> str:
    """A whole RRD in XML, as /vm_rrd and /host_rrd do."""
    sources = "".join(_source(name) for name in names)
    kept = "".join(_archive(archive, generation) for archive in archives)
    return (
        '<?xml version="1.0"?>\n<rrd><version>0003</version><step>5</step>'
        f"<lastupdate>{updated}</lastupdate>{sources}{kept}</rrd>"
    )


def _source(name: str) -> str:
    top = "1.0000" if name.startswith("cpu") else "Infinity"
    return (
        f"<ds><name>{name}</name><type>GAUGE</type><minimal_heartbeat>300.0000</minimal_heartbeat><min>0.0</min>"
        f"<max>{top}</max><last_ds>0</last_ds><value>0.0</value><unknown_sec>0</unknown_sec></ds>"
    )


def _archive(archive: StoredArchive, generation: Generation) -> str:
    preparation = "<ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value><value>0.0</value>"
    preparation += "<unknown_datapoints>0</unknown_datapoints></ds>"
    rows = numbers(archive.table, generation.number_format, "<v>", "</v>")
    return (
        f"<rra><cf>{archive.function}</cf><pdp_per_row>{archive.step // 5}</pdp_per_row>"
        f"<params><xff>0.5000</xff></params><cdp_prep>{preparation * archive.table.shape[1]}</cdp_prep>"
        f"<database>{''.join(f'<row>{row}</row>' for row in rows)}</database></rra>"
    )
