"""Rows of answers as plain values: for programs in JSON, for spreadsheets in CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from rebalancer.history.answers import CheckedHostRow, CheckRow, MoveRow, NightRow, ObjectiveRow, PlannedHostRow
from rebalancer.sanitise import spreadsheet_cell

AnyRow = NightRow | MoveRow | PlannedHostRow | ObjectiveRow | CheckRow | CheckedHostRow


def plain(row: AnyRow) -> dict[str, Any]:
    """*row* by the names of its fields; times in UTC, as text."""
    return {each.name: _plain(getattr(row, each.name)) for each in fields(row)}


def csv_of(rows: Iterable[AnyRow], kind: type[AnyRow]) -> str:
    """*rows* of one *kind* as CSV with a header (RFC 4180, lines end in CRLF); no cell starts like a formula."""
    names = [each.name for each in fields(kind)]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(value) for value in plain(row).values()] for row in rows)
    return text.getvalue()


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _cell(value: object) -> str:
    return "" if value is None else spreadsheet_cell(value) if isinstance(value, str) else str(value)
