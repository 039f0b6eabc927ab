"""plan.md as a CommonMark renderer sees it, and names that should change nothing about it."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.export.shell import HOSTILE

NAMES = [
    *HOSTILE,
    "1. first",
    "- item",
    "+ item",
    "> quote",
    "# heading",
    "```",
    "~~~",
    "    code",
    "</details>",
    "<script>alert(1)</script>",
    "&lt;b&gt;",
    "a | b",
    "\\",
    "`",
    "===",
    "[a]: http://example.org",
    "\u05e9\u05dc\u05d5\u05dd",
    "\U0001f4be" * 3,
    "x" * 200,
]


def tokens_of(page: str) -> list[Token]:
    """What a CommonMark renderer with tables sees."""
    return MarkdownIt("commonmark").enable("table").parse(page)


def structure(page: str) -> list[tuple[str, str, int]]:
    """Type, tag and depth of every block; texts left out."""
    return [(each.type, each.tag, each.level) for each in tokens_of(page)]


def tables(page: str) -> list[list[list[str]]]:
    """Every table as rows of cells, the headings first."""
    found: list[list[list[str]]] = []
    tokens = tokens_of(page)
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in {"th_open", "td_open"}:
            found[-1][-1].append(tokens[place + 1].content)
    return found
