"""`rebalancer explain`."""

from __future__ import annotations

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


def explain(
    source: Source,
    vm: Annotated[str, typer.Argument(metavar="VM", help="Name or uuid of a guest.")],
    host: Annotated[
        str | None, typer.Argument(metavar="HOST", help="Name or uuid of a host; without it: all hosts.")
    ] = None,
    *,
    policy: PolicyPath = None,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    beside: Beside = None,
    beside_credentials: BesideCredentials = None,
    json: AsJson = False,
) -> None:
    """Tell why a VM may or may not move to a host.

    For one host or for all: every rule that objects, in XAPI's order, the error code that XAPI would answer, and the
    way out.
    """
    from rebalancer.cli.check_views import explanation_table
    from rebalancer.cli.names import find_host, find_vm
    from rebalancer.cli.output import print_json, show
    from rebalancer.cli.situation import open_case
    from rebalancer.cli.source import Door
    from rebalancer.legality.report import explain as explanation_of
    from rebalancer.legality.report import near_first

    door = Door(
        ca_file=ca_file,
        fingerprints=fingerprint,
        credentials_file=credentials,
        beside=beside,
        beside_credentials_file=beside_credentials,
    )
    case = open_case(source, policy, door, metrics=False)
    guest = find_vm(case.problem.pool, vm)
    hosts = [find_host(case.problem.pool, host)] if host is not None else near_first(guest, case.problem)
    answers = explanation_of(case.legality, guest, hosts)
    if json:
        print_json([answer.as_json() for answer in answers])
    else:
        show(explanation_table(guest, answers))
