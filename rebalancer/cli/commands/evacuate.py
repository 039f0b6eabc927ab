"""`rebalancer evacuate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import (
    AsJson,
    Beside,
    BesideCredentials,
    CaFile,
    CredentialsFile,
    Fingerprint,
    PolicyPath,
    Source,
)


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
    policy: PolicyPath = None,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    beside: Beside = None,
    beside_credentials: BesideCredentials = None,
    json: AsJson = False,
) -> int:
    """Plan how hosts become empty, and the way home.

    First who cannot leave, with everything that each other host has against it and the cheapest way out. Moves nothing.
    """
    from datetime import UTC, datetime

    from rebalancer.cli.evacuation_views import end_of_blocked, evacuation_tables
    from rebalancer.cli.names import find_host
    from rebalancer.cli.output import end_of, print_json, say, show
    from rebalancer.cli.progress import watch_solve
    from rebalancer.cli.situation import open_case
    from rebalancer.cli.source import Door
    from rebalancer.errors import InputError
    from rebalancer.export import assert_free, write_plan
    from rebalancer.whatif import evacuate as evacuation_of

    folders = [output, output.parent / f"{output.name}-home"] if output else []
    for folder in folders:
        assert_free(folder)
    door = Door(
        ca_file=ca_file,
        fingerprints=fingerprint,
        credentials_file=credentials,
        beside=beside,
        beside_credentials_file=beside_credentials,
    )
    case = open_case(source, policy, door, metrics=True)
    if case.situation.refused:
        say(f"planning without metrics: {case.situation.refused}")
    hosts = [find_host(case.problem.pool, each).uuid for each in host]
    if case.problem.pool.hosts.keys() <= set(hosts):
        raise InputError(", ".join(host), "the pool has no other host", "Leave some for the VMs to run on")
    with watch_solve() as reporter:
        found = evacuation_of(case.problem, hosts, made_at=datetime.now(UTC), reporter=reporter)
    for made, folder in zip(filter(None, (found.plan, found.home)), folders, strict=False):
        write_plan(made, folder)
        say(f"{folder}: plan.json, plan.md, moves.csv and run.sh written")
    if json:
        print_json(found.as_json())
        return end_of(found.refused)
    show(*evacuation_tables(found))
    return end_of_blocked(found.blocked, found.refused)
