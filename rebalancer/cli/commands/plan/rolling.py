"""`rebalancer rolling`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AnyTime, AsJson, PolicyPath, Source, StateDir


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
    shut_down_pinned: Annotated[
        bool,
        typer.Option(
            "--shut-down-pinned",
            help="Plan hosts all the same that VMs of the policy's rolling.shut_down cannot leave: these are shut down "
            "meanwhile.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Write a plan folder for each stage there, and an index."
        ),
    ] = None,
    execute: Annotated[
        bool,
        typer.Option("--execute", help="Work on the hosts, one after another: the policy says who reboots them."),
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="With --execute: give up what is left of what was begun, and plan anew.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --execute: do not ask whether the listed VMs may be shut down.")
    ] = False,
    any_time: AnyTime = False,
    policy: PolicyPath = None,
    connection: rb.Connection,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> int:
    """Plan how all hosts are rebooted or updated, one after another.

    A plan empties each host, coordinator first, and plans bring VMs home; each is proven on the pool as the last one
    leaves it. Moves nothing but with --execute, which takes each host out of service, waits until it was rebooted, and
    takes it back; the same command goes on wherever that ended.
    """
    from rebalancer.cli.opening import open_model, say_refused
    from rebalancer.cli.output import say
    from rebalancer.cli.views.hosts import outcome, rolling_tables
    from rebalancer.cli.watching.progress import watch_solve
    from rebalancer.face.connection import is_url
    from rebalancer.units import counted
    from rebalancer.whatif.rolling_folder import assert_empty

    if execute:
        if policy is None or output or not is_url(source):
            problem = "it takes the URL of a pool, and --policy, and keeps its plans in the state folder"
            raise typer.BadParameter(problem, param_hint="--execute")
        from rebalancer.cli.rolling.rounds import Round

        return Round(
            url=source,
            hosts=host or (),
            update=update,
            stay=stay,
            shut_down=shut_down_pinned,
            connection=connection,
            policy=policy,
            state_dir=state_dir,
            any_time=any_time,
            anew=anew,
            yes=yes,
            json=json,
        ).run()
    _refuse({"--anew": anew, "--yes": yes})
    if output:
        assert_empty(output)
    model = open_model(source, policy, connection, metrics=True, state_dir=state_dir)
    say_refused(model.state)
    with watch_solve() as reporter:
        found = rb.rolling(
            model, host or (), version=update, come_home=not stay, shut_down=shut_down_pinned, reporter=reporter
        )
    if output and not found.refused:
        found.save(output)
        say(f"{output}: {counted(len(found.stages), 'plan folder')}, rolling.md and rolling.json written")
    return outcome(found, rolling_tables(found), json=json)


def _refuse(flags: Mapping[str, bool]) -> None:
    """Pass where none of *flags* is given.

    Raises:
        BadParameter: one is.
    """
    for flag, given in flags.items():
        if given:
            raise typer.BadParameter("it is for --execute", param_hint=flag)
