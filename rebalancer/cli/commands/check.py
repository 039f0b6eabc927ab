"""`rebalancer check`."""

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


def check(
    source: Source,
    *,
    matrix: Annotated[
        Path | None,
        typer.Option(
            "--matrix",
            metavar="FILE",
            help="Also write, for every VM and host, the first rule that objects: empty where the VM may go, + where "
            "it may with its disks only, = where it is (.csv or .json).",
        ),
    ] = None,
    policy: PolicyPath = None,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    beside: Beside = None,
    beside_credentials: BesideCredentials = None,
    json: AsJson = False,
) -> None:
    """Show how many VMs may move, and what holds the others.

    Also: the cheapest way out for each of them, how many VMs each host could receive now, and what is broken now.
    """
    from rebalancer.cli.check_views import check_tables
    from rebalancer.cli.output import print_json, show
    from rebalancer.cli.situation import open_case
    from rebalancer.cli.source import Door
    from rebalancer.legality.matrix import assert_writable, legality_matrix, write_matrix
    from rebalancer.legality.report import legality_report

    if matrix:
        assert_writable(matrix)
    door = Door(
        ca_file=ca_file,
        fingerprints=fingerprint,
        credentials_file=credentials,
        beside=beside,
        beside_credentials_file=beside_credentials,
    )
    case = open_case(source, policy, door, metrics=False)
    if matrix:
        write_matrix(legality_matrix(case.legality), matrix)
    report = legality_report(case.legality)
    if json:
        print_json(report.as_json())
    else:
        show(*check_tables(report))
