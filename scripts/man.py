"""The manual page `rebalancer(1)`, written from the commands themselves: `python -m scripts.man > rebalancer.1`."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from rebalancer import __version__
from rebalancer.cli.exits import Exit
from rebalancer.cli.main import app

EXITS = {
    Exit.DONE: "done, or nothing to do",
    Exit.ERROR: "bad input, no connection, or another run holds the lock",
    Exit.HAS_STEPS: "there are steps (only where asked for)",
    Exit.INFEASIBLE: "the rules exclude each other, or no order of migrations is legal",
    Exit.STALE: "the pool is not what the plan was made for, or the plan is not legal",
    Exit.STOPPED: "stopped half\N{HYPHEN}way: people have to look",
    Exit.METRICS_REFUSED: "metrics are not good enough to plan on",
    Exit.INCOMPLETE: "the plan is incomplete (only where asked for)",
    Exit.NOT_APPROVED: "the plan is not approved",
    Exit.LATER: "not now: something is waited for",
}


def page() -> str:
    """The page in roff."""
    group = get_command(app)
    return "\n".join((*_head(group), *_commands(group), *_foot())) + "\n"


def _head(group: Any) -> Iterator[str]:  # noqa: ANN401 - typer's own
    yield f'.TH REBALANCER 1 "" "rebalancer {__version__}" "User Commands"'
    yield ".SH NAME"
    yield "rebalancer \\- rebalance XenServer and XCP\\-ng pools"
    yield ".SH SYNOPSIS"
    yield "\\fBrebalancer\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(group.help)
    yield ".SH OPTIONS"
    yield from _options(group)
    yield ".SH COMMANDS"


def _commands(group: Any, prefix: str = "rebalancer") -> Iterator[str]:  # noqa: ANN401 - typer's own
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix} {name}")
            continue
        arguments = " ".join(each.metavar for each in command.params if not each.opts[0].startswith("-"))
        yield f".SS {_text(f'{prefix} {name} {arguments}'.strip())}"
        yield from _paragraphs(command.help)
        yield from _arguments(command)
        yield from _options(command)


def _arguments(command: Any) -> Iterator[str]:  # noqa: ANN401 - typer's own
    for each in command.params:
        if not each.opts[0].startswith("-"):
            yield from (".TP", f"\\fI{_text(each.metavar)}\\fR", _text(each.help or ""))


def _options(command: Any) -> Iterator[str]:  # noqa: ANN401 - typer's own
    for each in command.params:
        if each.opts[0].startswith("-"):
            value = "" if each.is_flag else f" \\fI{_text(each.metavar or each.name.upper())}\\fR"
            names = ", ".join(f"\\fB{_text(name)}\\fR" for name in each.opts)
            yield from (".TP", f"{names}{value}", _text(each.help or ""))


def _foot() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code, words in EXITS.items():
        yield from (".TP", f"\\fB{int(code)}\\fR", _text(words))
    yield ".SH FILES"
    yield from (".TP", "\\fI/etc/rebalancer/nightly.toml\\fR", "the policy of the nights")
    yield from (".TP", "\\fI/var/lib/rebalancer\\fR", "locks, journals and plans of the nights")
    yield ".SH ENVIRONMENT"
    yield from (".TP", "\\fBREBALANCER_USER\\fR, \\fBREBALANCER_PASSWORD\\fR", "who logs in to the pool")


def _paragraphs(text: str | None) -> Iterator[str]:
    for number, paragraph in enumerate(textwrap.dedent(text or "").strip().split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _text(words: str) -> str:
    """*words* as roff takes them for words."""
    plain = words.replace("\\", "\\e").replace("-", "\\-").replace("\N{HYPHEN}", "-").replace("…", "...")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    sys.stdout.write(page())
