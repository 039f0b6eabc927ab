"""`rebalancer`: the commands, and what happens to their errors.

Command modules import the library inside their functions, so that `--help` is quick and `check`, `show`, `verify` and
`apply` never load the solver.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from io import TextIOWrapper
from keyword import iskeyword
from typing import Annotated, NoReturn

import typer

from rebalancer import __version__
from rebalancer.cli.commands import SHELVES
from rebalancer.cli.ending import settle, settled
from rebalancer.cli.ending import told as known
from rebalancer.cli.exits import Exit, exit_code
from rebalancer.cli.grouped import EXAMPLES, Shelved
from rebalancer.cli.log import LogFormat, LogPriority, choose, chosen, form_now, line, print_traceback
from rebalancer.cli.streams import failure_of
from rebalancer.errors import Infeasible, RebalancerError, StoppedHalfWay

app = typer.Typer(
    name="rebalancer",
    cls=Shelved,
    epilog=EXAMPLES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for shelf, names in SHELVES.items():
    for name in names:
        spelled = f"{name}_" if iskeyword(name) else name
        module = import_module(f"rebalancer.cli.commands.{shelf}.{spelled}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, spelled))


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"rebalancer {__version__}")
        raise typer.Exit


@app.callback()
def rebalancer(
    *,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            "--log-format",
            help="How lines on standard error look: as they are, with time and level, as JSON, or with priorities for "
            "systemd's journal (default: `journal` where that listens, else `plain`).",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Rebalance XenServer and XCP-ng pools: legal moves, proven bounds, plans that people can review."""
    if log_format:
        choose(log_format)


INTERRUPTED = 130
"""What typer returns after Ctrl-C; no command returns it."""
EXPECTED = (errno.EPIPE, errno.EBADF)
"""How standard output fails where somebody wanted no more of it, as `head` does."""


def main() -> None:
    """Run the command line; every error becomes one sentence on standard error and a documented exit code."""
    settled.clear()
    known.clear()
    chosen.clear()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = app(standalone_mode=False)
    except typer.Abort:
        _interrupted()
    except typer.TyperException as error:
        settle(Exit.ERROR)
        error.show()  # type: ignore[attr-defined]  # every usage error has it; only its base does not say so
        _leave(Exit.ERROR)
    except RebalancerError as error:
        settle(exit_code(error))
        _print_for_programs(error)
        if isinstance(error, StoppedHalfWay):
            print_traceback()
        first, *others = error.facts if isinstance(error, StoppedHalfWay) else (str(error),)
        _end(first, exit_code(error), _facts(error), others)
    except Exception as error:  # noqa: BLE001 - the last place where an unforeseen error can become a sentence
        settle(Exit.ERROR)
        words = f"unforeseen {type(error).__name__}: {error}. Run again with REBALANCER_DEBUG=1 and report it"
        _print_document({"error": type(error).__name__, "message": words, "exit_code": Exit.ERROR})
        print_traceback()
        _end(words, Exit.ERROR)
    if status == INTERRUPTED:
        _interrupted()
    _leave(status if isinstance(status, int) else Exit.DONE)


def _for_programs() -> bool:
    return "--json" in sys.argv[1:]


def _interrupted() -> NoReturn:
    settle(Exit.ERROR)
    _print_document({"error": "Interrupted", "message": "interrupted", "exit_code": Exit.ERROR})
    _end("interrupted", Exit.ERROR)


def _print_for_programs(error: RebalancerError) -> None:
    told: dict[str, object] = {"error": type(error).__name__, "message": str(error), "exit_code": exit_code(error)}
    fixes = {"ways_out": [asdict(each) for each in error.fixes]} if isinstance(error, Infeasible) else {}
    _print_document(told | fixes | ({"next": _ways(error)} if _ways(error) else {}))


def _print_document(told: Mapping[str, object]) -> None:
    """Print *told* for programs, with all that the command has said of itself, where it was to be printed."""
    if _for_programs():
        from rebalancer.cli.output import print_json  # noqa: PLC0415 - help is quicker without it

        why = {"why": told["message"]} if "why" in known else {}
        print_json({**known, **why, **told})


def _ways(error: RebalancerError) -> dict[str, str]:
    return dict(error.ways) if isinstance(error, StoppedHalfWay) else {}


def _facts(error: RebalancerError) -> dict[str, str]:
    if not isinstance(error, StoppedHalfWay):
        return {}
    done = f"{error.done}, not {'started' if error.counted == 'steps' else 'done'}: {error.left}"
    known = {f"{error.counted} done": done, "the journal that tells what happened": error.journal}
    return {**known, **(_ways(error) or {"next": "look at the pool, then apply the plan again, or roll it back"})}


def _end(sentence: str, code: Exit, facts: Mapping[str, str] | None = None, beside: Sequence[str] = ()) -> NoReturn:
    """End with *code* and *sentence*; what is known *beside* it, and *facts*, stand on lines of their own."""
    settle(code)
    told = facts or {}
    if form_now() is LogFormat.JSON:
        more = {key: value for key, value in (("beside", list(beside)), ("facts", told)) if value}
        lines = [line(sentence, LogPriority.ERROR, exit_code=int(code), **more)]
    else:
        named = (f"{purpose}: {words}" for purpose, words in told.items())
        heads = (f"rebalancer: {sentence}", *(f"  {each}" for each in (*beside, *named)))
        lines = [line(each, LogPriority.ERROR) for each in heads]
    for each in lines:
        print(each, file=sys.stderr)  # noqa: T201 - standard error is where people and cron look
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End with *code*, whatever became of what was printed; programs, and people whose disk is full, hear of it."""
    settle(code)
    sys.stdout.flush()
    failure = failure_of(sys.stdout)
    if failure and (failure.errno not in EXPECTED or _for_programs()):
        lost = f"standard output cannot be written, so what was printed is not whole: {failure.strerror}"
        print(line(f"rebalancer: {lost}", LogPriority.ERROR), file=sys.stderr)  # noqa: T201
    sys.exit(code)
