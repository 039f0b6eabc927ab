"""`rebalancer rolling`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, CaFile, CredentialsFile, Fingerprint, PolicyPath, Source


def rolling(
    source: Source,
    host: Annotated[
        list[str] | None,
        typer.Argument(metavar="HOST", help="Names or uuids of hosts (default: all of the pool)."),
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
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    json: AsJson = False,
) -> int:
    """Plan how all hosts are rebooted or updated, one after another.

    A plan empties each host, coordinator first, and plans bring VMs home; each is proven on the pool as the last one
    leaves it. Moves nothing.
    """
    from datetime import UTC, datetime

    from rebalancer.cli.evacuation_views import end_of_blocked, rolling_tables
    from rebalancer.cli.names import find_host
    from rebalancer.cli.output import end_of, print_json, say, show
    from rebalancer.cli.progress import watch_solve
    from rebalancer.cli.situation import open_case
    from rebalancer.cli.source import Door
    from rebalancer.units import counted
    from rebalancer.whatif import rolling as rolling_of
    from rebalancer.whatif import write_rolling
    from rebalancer.whatif.rolling_folder import assert_empty

    if output:
        assert_empty(output)
    door = Door(ca_file=ca_file, fingerprints=fingerprint, credentials_file=credentials)
    case = open_case(source, policy, door, metrics=True)
    if case.situation.refused:
        say(f"planning without metrics: {case.situation.refused}")
    hosts = [find_host(case.problem.pool, each).uuid for each in host or ()]
    with watch_solve() as reporter:
        found = rolling_of(
            case.problem, hosts, version=update, come_home=not stay, made_at=datetime.now(UTC), reporter=reporter
        )
    if output and not found.refused:
        write_rolling(found, output)
        say(f"{output}: {counted(len(found.stages), 'plan folder')}, rolling.md and rolling.json written")
    if json:
        print_json(found.as_json())
        return end_of(found.refused)
    show(*rolling_tables(found))
    return end_of_blocked(found.blocked, found.refused)
