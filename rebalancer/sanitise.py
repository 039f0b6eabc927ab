"""Names from the pool, made harmless: one line, nothing invisible, nothing that turns the reading around."""

from __future__ import annotations

FORMULA_STARTS = "=+-@＝＋－＠"  # noqa: RUF001 - spreadsheets take the wide forms as well


def one_line(text: str) -> str:
    """*text* on one line; what has no shape of its own is shown by its number, as in `u202e` behind a backslash."""
    return "".join(each if each.isprintable() else " " if each.isspace() else f"\\u{ord(each):04x}" for each in text)


def spreadsheet_cell(text: str) -> str:
    """*text* on one line, marked as text where a spreadsheet would compute it."""
    line = one_line(text)
    return f"'{line}" if line.lstrip().startswith(tuple(FORMULA_STARTS)) else line
