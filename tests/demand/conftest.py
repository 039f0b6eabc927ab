"""Answers of `/rrd_updates` in every shape that xapi ever sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isinf, isnan


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer holds: rows as `(time, values)`, in the order in which they are sent."""

    legend: Sequence[str]
    rows: Sequence[tuple[int, Sequence[float]]]
    step: int = 3600


def written(value: float) -> str:
    """A value as xapi writes it (`rrd_utils.ml`, `f_to_s`)."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return "0.0" if value == 0 else f"{value:.15g}"


def as_xml(answer: Answer) -> bytes:
    """XML, as every version sends it."""
    legend = "".join(f"<entry>{each.replace('&', '&amp;').replace('<', '&lt;')}</entry>" for each in answer.legend)
    rows = "".join(
        f"<row><t>{time}</t>{''.join(f'<v>{written(value)}</v>' for value in values)}</row>"
        for time, values in answer.rows
    )
    meta = f"<start>1</start><step>{answer.step}</step><end>2</end><rows>{len(answer.rows)}</rows>"
    head = f"<meta>{meta}<columns>{len(answer.legend)}</columns><legend>{legend}</legend></meta>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<xport>{head}<data>{rows}</data></xport>'.encode()


def as_json(answer: Answer) -> bytes:
    """JSON of xapi 24.11 and later: every scalar is a string."""
    return json.dumps({"meta": _meta(answer), "data": _data(answer)}).encode()


def as_nested_json(answer: Answer) -> bytes:
    """JSON of xcp-rrd 1.10: `data` stands inside `meta`."""
    return json.dumps({"meta": {**_meta(answer), "data": _data(answer)}}).encode()


def as_bare_keys(answer: Answer) -> bytes:
    """What 8.2 sends: keys without quotes, numbers bare, NaN among them."""
    rows = ",".join(f"{{t:{time},values:[{','.join(map(written, values))}]}}" for time, values in answer.rows)
    legend = ",".join(json.dumps(each) for each in answer.legend)
    return f"{{meta: {{start:1,step:{answer.step},end:2,rows:1,columns:1,legend:[{legend}]}},data:[{rows}]}}".encode()


def as_pretty_xml(answer: Answer) -> bytes:
    """XML that something on the way has laid out."""
    return re.sub(rb"(<(?:row|v|t|entry|data)>)", rb"\n  \1", as_xml(answer))


SHAPES: tuple[Callable[[Answer], bytes], ...] = (as_xml, as_pretty_xml, as_json, as_nested_json, as_bare_keys)


def answer(columns: Mapping[str, Sequence[float]], step: int = 3600) -> bytes:
    """An answer with these columns (`vm:web:cpu0`), whose rows start at 0, 1, 2 steps."""
    rows = list(zip(*columns.values(), strict=True))
    timed = [(step * (number + 1), row) for number, row in enumerate(rows)]
    return as_xml(Answer(legend=[f"AVERAGE:{name}" for name in columns], rows=timed[::-1], step=step))


def _meta(answer: Answer) -> dict[str, object]:
    return {"start": "1", "step": str(answer.step), "end": "2", "legend": list(answer.legend)}


def _data(answer: Answer) -> list[dict[str, object]]:
    return [{"t": str(time), "values": [written(value) for value in values]} for time, values in answer.rows]
