"""Whole RRDs, as `/vm_rrd` and `/host_rrd` answer: several archives, each coarser and longer than the one before.

Shape after xapi's `rrd.ml`, `xml_to_output`: rows run from oldest to newest, columns in the order of the `<ds>`
elements; the last row ends at the last whole interval before `lastupdate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from rebalancer.errors import MetricsRefused


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Archive:
    """One archive of an RRD.

    Args:
        consolidation: AVERAGE, MIN or MAX.
        sources: the name of each column, such as `cpu0`.
        times: end of the interval of each row, seconds since 1970 by the host's clock, shape (rows,), ascending.
        data: float64, shape (rows, sources), NaN where the host knew nothing.
        step_seconds: length of the interval of each row.
    """

    consolidation: str
    sources: tuple[str, ...]
    times: NDArray[np.int64]
    data: NDArray[np.float64]
    step_seconds: int


def parse_rrd(body: bytes | str) -> tuple[Archive, ...]:
    """The archives of a whole RRD, in the order of the file: from fine to coarse.

    A row with fewer values than there are sources lacks the last ones.

    Raises:
        MetricsRefused: the file is cut off, or is something else.
    """
    raw = body.encode() if isinstance(body, str) else body
    try:
        return _archives(raw)
    except (ET.ParseError, ValueError) as error:
        raise MetricsRefused([f"the answer is no RRD: {error}"]) from error


def _archives(raw: bytes) -> tuple[Archive, ...]:
    """All archives; a document type, which could declare entities, is refused before any parser sees it."""
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise ValueError("it declares a document type")
    root = ET.fromstring(raw)  # noqa: S314 - no document type, so there is no entity to expand
    if root.tag != "rrd":
        raise ValueError(f"its root is <{root.tag}>")
    sources = tuple(_text(source, "name") for source in root.findall("ds"))
    step, last = int(_text(root, "step")), int(float(_text(root, "lastupdate")))
    return tuple(_archive(each, sources, step, last) for each in root.findall("rra"))


def _archive(element: ET.Element, sources: tuple[str, ...], base_step: int, last_update: int) -> Archive:
    """One `<rra>`; its rows end at multiples of its own step."""
    step = base_step * int(_text(element, "pdp_per_row"))
    if step <= 0:
        raise ValueError(f"a step of {step} s")
    rows = [[float(value.text or "nan") for value in row.findall("v")] for row in element.findall("database/row")]
    values = np.full((len(rows), len(sources)), np.nan)
    for target, row in zip(values, rows, strict=True):
        known = row[: len(sources)]
        target[: len(known)] = known
    newest = last_update - last_update % step
    times = newest - step * np.arange(len(rows) - 1, -1, -1, dtype=np.int64)
    return Archive(consolidation=_text(element, "cf"), sources=sources, times=times, data=values, step_seconds=step)


def _text(element: ET.Element, path: str) -> str:
    """The text below *path*, without spaces around it."""
    found = element.findtext(path)
    if found is None:
        raise ValueError(f"<{element.tag}> has no <{path}>")
    return found.strip()
