"""Names from the pool, made harmless: one line, nothing invisible, nothing that turns the reading around."""

from __future__ import annotations


def one_line(text: str) -> str:
    """*text* on one line; what has no shape of its own is shown by its number, as in `u202e` behind a backslash."""
    return "".join(each if each.isprintable() else _visible(each) for each in text)


def _visible(character: str) -> str:
    """A space for what separates words and lines, else the number."""
    if character.isspace():
        return " "
    return f"\\u{ord(character):04x}"
