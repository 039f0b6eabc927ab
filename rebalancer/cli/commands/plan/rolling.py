"""`rebalancer rolling`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, PolicyPath, Source, StateDir


@reaches_one_pool
def rolling(
    source: Source,
    host: Annotated[
        list[str] | None, typer.Argument(metavar="HOST", help="Names or uuids of hosts (default: all of the pool).")
    ] = None,
    *,
    update: Annotated[
        str | None,
        typer.Option(
            "--update",
            metavar="VERSION",
            help="Hosts come back updated: the platform_version that they report then. Without it they only reboot.",
        ),
    ] = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Bring no VM home: copies about half, and leaves VMs where they end.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Write a plan folder for each stage there, and an index."
        ),
    ] = None,
    policy: PolicyPath = None,
    connection: rb.Connection,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> int:
    """Plan how all hosts are rebooted or updated, one after another.

    A plan empties each host, coordinator first, and plans bring VMs home; each is proven on the pool as the last one
    leaves it. Moves nothing.
    """
    from rebalancer.cli.opening import open_model, say_refused
    from rebalancer.cli.output import say
    from rebalancer.cli.views.hosts import outcome, rolling_tables
    from rebalancer.cli.watching.progress import watch_solve
    from rebalancer.units import counted
    from rebalancer.whatif.rolling_folder import assert_empty

    if output:
        assert_empty(output)
    model = open_model(source, policy, connection, metrics=True, state_dir=state_dir)
    say_refused(model.state)
    with watch_solve() as reporter:
        found = rb.rolling(model, host or (), version=update, come_home=not stay, reporter=reporter)
    if output and not found.refused:
        found.save(output)
        say(f"{output}: {counted(len(found.stages), 'plan folder')}, rolling.md and rolling.json written")
    return outcome(found, rolling_tables(found), json=json)
