"""Names from the pool, made harmless: one line, nothing invisible, nothing that turns the reading around."""

from __future__ import annotations

import re

BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that count as printable and show nothing."""
CUT = " … "
FORMULA_STARTS = "=+-@＝＋－＠"  # noqa: RUF001 - spreadsheets take the wide forms as well


def one_line(text: str) -> str:
    r"""*text* on one line; what has no shape of its own is shown by its number, as in `u202e` behind a backslash.

    Example:
        >>> import rebalancer as rb
        >>> rb.sanitise.one_line("web\n1")
        'web 1'
    """
    if text.isprintable() and BLANK.isdisjoint(text):
        return text
    return "".join(" " if each.isspace() else each if _shows(each) else f"\\u{ord(each):04x}" for each in text)


def harmless_json(text: str) -> str:
    r"""*text*, which is JSON, with the escapes of JSON for whatever would not show as it is; it says the same.

    Example:
        >>> import rebalancer as rb
        >>> rb.sanitise.harmless_json('"web\u202e1"')
        '"web\\u202e1"'
    """
    return re.sub(r"[^\x00-\x7e]", lambda found: found[0] if _shows(found[0]) else _escaped(found[0]), text)


def _shows(letter: str) -> bool:
    return letter.isprintable() and letter not in BLANK


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))


def sentence(*parts: str, most: int = 900) -> str:
    r"""*parts* on one line, of at most so many characters: those that are too long lose what is in their middle.

    Example:
        >>> import rebalancer as rb
        >>> rb.sanitise.sentence("VM 'web-1' ", "cannot leave 'ash':\nit has a PCI device")
        "VM 'web-1' cannot leave 'ash': it has a PCI device"
    """
    lines = [one_line(part) for part in parts]
    room, left = most, len(lines)
    for line in sorted(lines, key=len):
        share = room // left
        room, left = room - min(len(line), share), left - 1
    return "".join(_within(line, share) for line in lines)


def _within(line: str, most: int) -> str:
    if len(line) <= most:
        return line
    kept = max(0, most - len(CUT))
    return line[: kept - kept // 2] + CUT + line[len(line) - kept // 2 :]


def spreadsheet_cell(text: str) -> str:
    """*text* on one line, marked as text where a spreadsheet would compute it.

    Example:
        >>> import rebalancer as rb
        >>> rb.sanitise.spreadsheet_cell("=1+1"), rb.sanitise.spreadsheet_cell("web-1")
        ("'=1+1", 'web-1')
    """
    line = one_line(text)
    return f"'{line}" if line.lstrip().startswith(tuple(FORMULA_STARTS)) else line
