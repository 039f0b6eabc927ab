"""`rebalancer explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, CaFile, CredentialsFile, Fingerprint, PolicyPath, Source


def explain(
    source: Source,
    vm: Annotated[str, typer.Argument(metavar="VM", help="Name or uuid of a guest.")],
    host: Annotated[
        str | None, typer.Argument(metavar="[HOST]", help="Name or uuid of a host; without it: all hosts.")
    ] = None,
    *,
    policy: PolicyPath = None,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    json: AsJson = False,
) -> None:
    """Tell for one VM, and one host or all, which rules object to a move, what XAPI would answer, and the way out."""
    from rebalancer.cli.names import find_host, find_vm
    from rebalancer.cli.output import console, print_json
    from rebalancer.cli.situation import open_case
    from rebalancer.cli.source import Door
    from rebalancer.cli.views import explanation_table
    from rebalancer.rules.report import explain as explanation_of

    door = Door(ca_file=ca_file, fingerprints=tuple(fingerprint or ()), credentials_file=credentials)
    case = open_case(source, policy, door, metrics=False)
    guest = find_vm(case.problem.pool, vm)
    hosts = [find_host(case.problem.pool, host)] if host else list(case.problem.pool.hosts.values())
    answers = explanation_of(case.legality, guest, hosts)
    if json:
        print_json([answer.as_json() for answer in answers])
    else:
        console().print(explanation_table(guest, answers))
