"""Standard output is the result: tables for people, JSON for programs. Standard error is the log.

Writing to either never fails, see `rebalancer.cli.streams`. Names come from the pool, so every text is printed as it
is: no markup, no emoji codes, no control characters.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from json import dumps

from rich.console import Console, RenderableType
from rich.text import Text

from rebalancer.cli.exits import Exit, exit_code
from rebalancer.cli.log import LogFormat, LogPriority, form_now, line
from rebalancer.errors import RebalancerError
from rebalancer.sanitise import one_line

UNBOUNDED = 10_000
"""Columns of what is no terminal: a row is a line there, for grep and for pagers."""


def console() -> Console:
    """Standard output: as wide as the terminal, else as COLUMNS says, else as wide as the lines are."""
    columns = os.environ.get("COLUMNS", "")
    piped = int(columns) if columns.isdecimal() and int(columns) else UNBOUNDED
    return Console(width=None if sys.stdout.isatty() else piped, highlight=False, markup=False, emoji=False)


def show(*things: RenderableType) -> None:
    """Print *things* to standard output, an empty line between them."""
    sys.stdout.write("\n".join(map(_rendered, things)))
    sys.stdout.flush()


def show_lines(*lines: str) -> None:
    """Print *lines* to standard output, one below the other."""
    sys.stdout.write("".join(map(_rendered, lines)))
    sys.stdout.flush()


def _rendered(thing: RenderableType) -> str:
    out = console()
    with out.capture() as captured:
        out.print(plain(thing) if isinstance(thing, str) else thing)
    return "\n".join(line.rstrip(" ") for line in captured.get().split("\n"))


def show_or_json(things: Iterable[RenderableType], document: Callable[[], object], *, json: bool) -> None:
    """Print *document* for programs where *json* is wanted, else *things* for people."""
    if json:
        print_json(document())
    else:
        show(*things)


def print_json(value: object) -> None:
    """Print one JSON document, keys in the order given, in ASCII: valid in every locale, harmless on every terminal."""
    sys.stdout.write(dumps(value, indent=2) + "\n")
    sys.stdout.flush()


def end_of(refused: RebalancerError | None, sentence: str = "") -> Exit:
    """The exit code of a command whose JSON document or tables tell of *refused*; standard error gets a *sentence*."""
    if refused is None:
        return Exit.DONE
    say(f"rebalancer: {sentence or refused}", LogPriority.ERROR)
    return exit_code(refused)


class Log(Console):
    """Standard error."""

    def __init__(self) -> None:
        super().__init__(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def say(self, words: str, level: LogPriority = LogPriority.INFO, **facts: object) -> None:
        """Print *words* on a line of their own; *facts* are told beside them where programs read along."""
        self.print(Text(line(words, level, **facts)))


def say(words: str, level: LogPriority = LogPriority.INFO, **facts: object) -> None:
    """Print one line to standard error."""
    Log().say(words, level, **facts)


def say_progress(words: str, **facts: object) -> None:
    """Print one line about what is done now to a log; on a terminal it is seen live."""
    if form_now() is not LogFormat.PLAIN:
        say(words, LogPriority.INFO, **facts)


def plain(words: object, style: str = "") -> Text:
    """*words* on one line, as they are."""
    return Text(one_line(str(words)), style=style)


def heading(words: object) -> Text:
    """*words*, made to stand out."""
    return plain(words, style="bold")
