"""`rebalancer evacuate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AnyTime, AsJson, PolicyPath, Source, StateDir


@reaches_pools
def evacuate(
    source: Source,
    host: Annotated[list[str], typer.Argument(metavar="HOST", help="Names or uuids of the hosts to be emptied.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Write the plan there, and the way home as a plan to FOLDER-home."
        ),
    ] = None,
    execute: Annotated[
        bool,
        typer.Option(
            "--execute", help="Disable the host, and carry the plan out: maintenance mode. The policy has to allow it."
        ),
    ] = False,
    any_time: AnyTime = False,
    policy: PolicyPath = None,
    connection: rb.Connection,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> int:
    """Plan how hosts become empty, and the way home.

    First who cannot leave, with everything that each other host has against it and the cheapest fix. Moves nothing but
    with --execute, which takes one host out of service; `return` takes it back.
    """
    from rebalancer.cli.opening import open_model, say_refused, say_saved
    from rebalancer.cli.views.hosts import evacuation_tables, outcome
    from rebalancer.cli.watching.progress import watch_solve
    from rebalancer.export import assert_free
    from rebalancer.face.connection import is_url
    from rebalancer.face.hosts import folders_of

    for folder in folders_of(output) if output else ():
        assert_free(folder)
    if execute and (policy is None or output or connection.beside or len(host) > 1 or not is_url(source)):
        problem = "it takes the URL of a pool, one HOST, and --policy, and keeps its plans in the state folder"
        raise typer.BadParameter(problem, param_hint="--execute")
    model = open_model(source, policy, connection, metrics=True, state_dir=state_dir)
    say_refused(model.state)
    if execute and policy:
        from rebalancer.cli.maintaining import Visit

        visit = Visit(
            url=source,
            host=host[0],
            connection=connection,
            policy=policy,
            state_dir=state_dir,
            any_time=any_time,
            json=json,
        )
        return visit.take_out(model)
    with watch_solve() as reporter:
        found = rb.evacuate(model, host, reporter=reporter)
    for folder in found.save(output) if output else ():
        say_saved(folder)
    return outcome(found, evacuation_tables(found), json=json)
