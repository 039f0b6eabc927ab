"""`rebalancer notify test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.options import AsJson

app = typer.Typer(help="Try out who is told of nights.", no_args_is_help=True)


@app.callback()
def notify() -> None:
    """Try out who is told of nights."""


@app.command("test")
def try_out(
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="Policy file (TOML) whose [notify] says who.")],
    *,
    json: AsJson = False,
) -> int:
    """Tell everybody whom a policy names that this is a test.

    Exit code 1 where somebody was not reached. No URL is printed. Pool messages are not tried.
    """
    from dataclasses import asdict

    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import print_json, show_lines
    from rebalancer.nightly import told_for_a_test

    tried = list(told_for_a_test(rb.Policy.load(policy), policy.parent))
    if json:
        print_json({"tried": [asdict(each) for each in tried]})
    else:
        show_lines(*map(str, tried))
    return Exit.ERROR if any(each.why for each in tried) else Exit.DONE
