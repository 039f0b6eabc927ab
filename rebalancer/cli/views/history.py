"""Earlier nights and moves for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.console import RenderableType

from rebalancer.cli.output import print_json, show
from rebalancer.cli.table import table
from rebalancer.history.answers import MoveRow, NightRow
from rebalancer.history.plain import csv_of, plain
from rebalancer.units import moment_shown

Row = TypeVar("Row", NightRow, MoveRow)


def show_rows(
    rows: Sequence[Row],
    kind: type[Row],
    view: Callable[[Sequence[Row], str], RenderableType],
    timezone: str,
    *,
    csv: bool,
    json: bool,
) -> None:
    """Print *rows*: as JSON or CSV, with times in UTC, or as *view* shows them in *timezone*."""
    if json:
        print_json([plain(row) for row in rows])
    elif csv:
        sys.stdout.write(csv_of(rows, kind))
        sys.stdout.flush()
    else:
        show(view(rows, timezone))


def night_table(rows: Sequence[NightRow], timezone: str) -> RenderableType:
    """A row a night, the latest first, with times by the clocks of *timezone*."""
    columns = {f"began ({timezone})": "left", "pool": "name", "policy": "name", "code": "right", "ended": "left"}
    cells = [
        (
            moment_shown(row.began_at, timezone),
            row.pool,
            row.policy,
            row.exit_code,
            _words(row.verdict),
            _steps(row),
            row.words,
        )
        for row in reversed(rows)
    ]
    return table("", {**columns, "steps done": "right", "in words": "text"}, cells) if rows else "No night is known."


def move_table(rows: Sequence[MoveRow], timezone: str) -> RenderableType:
    """A row a try, likewise."""
    columns = {
        f"at ({timezone})": "left",
        "VM": "name",
        "from": "name",
        "to": "name",
        "outcome": "left",
        "GiB": "right",
    }
    cells = [
        (
            moment_shown(row.at, timezone),
            row.vm,
            row.source,
            row.target,
            row.state,
            _number(row.gib),
            _number(row.seconds),
            row.words,
        )
        for row in reversed(rows)
    ]
    return table("", {**columns, "seconds": "right", "why": "text"}, cells) if rows else "No migration is known."


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")


def _steps(row: NightRow) -> str:
    return f"{row.done} of {row.steps}" if row.steps else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
