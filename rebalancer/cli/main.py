"""`rebalancer`: the commands, and what happens to their errors.

Command modules import the library inside their functions, so that `--help` is quick and `check`, `show`, `verify` and
`apply` never load the solver.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated

import typer

from rebalancer import __version__
from rebalancer.cli.commands import policy
from rebalancer.cli.exits import Exit, exit_code
from rebalancer.errors import Infeasible, RebalancerError, StoppedHalfWay
from rebalancer.sanitise import one_line

app = typer.Typer(
    name="rebalancer", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
READING = ("demo", "snapshot", "check", "explain")
PLANNING = ("plan", "evacuate", "rolling", "sleep")
REVIEWING = ("show", "diff", "verify", "approve")
RUNNING = ("apply", "rollback", "nightly", "systemd", "simulate")
"""Each is a function in a module of its name; help lists them in this order."""
for name in READING + PLANNING + REVIEWING + RUNNING:
    app.command()(getattr(import_module(f"rebalancer.cli.commands.{name}"), name))
app.add_typer(policy.app, name="policy")


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"rebalancer {__version__}")
        raise typer.Exit


@app.callback()
def rebalancer(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Rebalance XenServer and XCP-ng pools: legal moves, proven bounds, plans that people can review."""


INTERRUPTED = 130
"""What typer returns after Ctrl-C; no command returns it."""


def main() -> None:
    """Run the command line; every error becomes one sentence on standard error and a documented exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except typer.Abort:
        _end("interrupted", Exit.ERROR)
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined]  # every usage error has it; only its base does not say so
        sys.exit(Exit.ERROR)
    except RebalancerError as error:
        _print_for_programs(error)
        _end(str(error), exit_code(error), _ways(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.ERROR)
    except Exception as error:  # noqa: BLE001 - the last place where an unforeseen error can become a sentence
        if os.environ.get("REBALANCER_DEBUG"):
            traceback.print_exc()
        _end(f"unforeseen {type(error).__name__}: {error}. Run again with REBALANCER_DEBUG=1 and report it", Exit.ERROR)
    if status == INTERRUPTED:
        _end("interrupted", Exit.ERROR)
    sys.exit(status if isinstance(status, int) else Exit.DONE)


def _print_for_programs(error: RebalancerError) -> None:
    if "--json" in sys.argv[1:]:
        from rebalancer.cli.output import print_json  # noqa: PLC0415 - help is quicker without it

        with suppress(BrokenPipeError):
            told = {"error": type(error).__name__, "message": str(error), "exit_code": exit_code(error)}
            fixes = {"ways_out": [asdict(each) for each in error.fixes]} if isinstance(error, Infeasible) else {}
            print_json(told | fixes | ({"next": _ways(error)} if _ways(error) else {}))


def _ways(error: RebalancerError) -> dict[str, str]:
    return dict(error.ways) if isinstance(error, StoppedHalfWay) else {}


def _end(sentence: str, code: Exit, ways: Mapping[str, str] | None = None) -> None:
    for line in (f"rebalancer: {sentence}", *(f"  {purpose}: {command}" for purpose, command in (ways or {}).items())):
        print(one_line(line), file=sys.stderr)  # noqa: T201 - standard error is where people and cron look
    sys.exit(code)
