"""A report as one HTML page that needs nothing else, see `rebalancer.pages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rebalancer.errors import InputError
from rebalancer.files.writing import write_whole
from rebalancer.history.report.values import PoolReport, Report
from rebalancer.pages.render import Page, rendered

WIDTH, HEIGHT = 640, 120
"""Of a chart, in its own units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a chart, as SVG has it, with its last point."""

    points: str
    end_x: float
    end_y: float


def report_page(report: Report, made_at: datetime) -> str:
    """*report* as HTML, made at *made_at*."""
    page = Page(
        package="rebalancer.history.report",
        template="page.html",
        timezone=report.timezone,
        filters={"share": _share, "number": _number},
    )
    charts = {"cpu_line": _cpu, "memory_line": _memory, "size": (WIDTH, HEIGHT)}
    return rendered(page, report=report, made_at=made_at, **charts)


def write_page(report: Report, path: Path, made_at: datetime) -> None:
    """Write *report* to *path* as HTML, for its owner alone.

    Raises:
        InputError: it cannot be written.
    """
    try:
        write_whole(path, report_page(report, made_at).encode())
    except OSError as error:
        raise InputError(str(path), f"it cannot be written: {error.strerror}", "Name another file") from error


def _cpu(pool: PoolReport) -> Line | None:
    return line_of([(each.at, each.cpu_share) for each in pool.headroom])


def _memory(pool: PoolReport) -> Line | None:
    return line_of([(each.at, each.memory_share) for each in pool.headroom])


def line_of(points: Sequence[tuple[datetime, float]]) -> Line | None:
    """*points* from left to right by their time, a share of 1 at the top; None where they make no line."""
    if len({at for at, _ in points}) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    first, last = points[0][0], points[-1][0]
    whole = (last - first).total_seconds()
    placed = [
        (round(WIDTH * (at - first).total_seconds() / whole, 1), round(HEIGHT * (1 - min(1.0, max(0.0, share))), 1))
        for at, share in points
    ]
    return Line(points=" ".join(f"{x:g},{y:g}" for x, y in placed), end_x=placed[-1][0], end_y=placed[-1][1])


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
