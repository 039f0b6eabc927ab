"""Earlier nights and moves for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from rich.console import RenderableType

from rebalancer.cli.output import print_json, show
from rebalancer.cli.table import table
from rebalancer.history.answers import MoveRow, NightRow
from rebalancer.history.plain import csv_of, plain

Row = TypeVar("Row", NightRow, MoveRow)


def show_rows(
    rows: Sequence[Row], kind: type[Row], view: Callable[[Sequence[Row]], RenderableType], *, csv: bool, json: bool
) -> None:
    """Print *rows*: as JSON, as CSV, or as *view* shows them."""
    if json:
        print_json([plain(row) for row in rows])
    elif csv:
        sys.stdout.write(csv_of(rows, kind))
        sys.stdout.flush()
    else:
        show(view(rows))


def night_table(rows: Sequence[NightRow]) -> RenderableType:
    """A row a night, the latest first."""
    columns = {"began (UTC)": "left", "pool": "name", "policy": "name", "code": "right", "ended": "left"}
    cells = [
        (moment(row.began_at), row.pool, row.policy, row.exit_code, _words(row.verdict), _steps(row), row.words)
        for row in reversed(rows)
    ]
    return table("", {**columns, "steps done": "right", "in words": "text"}, cells) if rows else "No night is known."


def move_table(rows: Sequence[MoveRow]) -> RenderableType:
    """A row a try, the latest first."""
    columns = {"at (UTC)": "left", "VM": "name", "from": "name", "to": "name", "outcome": "left", "GiB": "right"}
    cells = [
        (moment(row.at), row.vm, row.source, row.target, row.state, _number(row.gib), _number(row.seconds), row.words)
        for row in reversed(rows)
    ]
    return table("", {**columns, "seconds": "right", "why": "text"}, cells) if rows else "No migration is known."


def moment(at: datetime) -> str:
    """Date and time in UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")


def _steps(row: NightRow) -> str:
    return f"{row.done} of {row.steps}" if row.steps else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
