"""`rebalancer check`."""

from __future__ import annotations

from rebalancer.cli.options import AsJson, CaFile, CredentialsFile, Fingerprint, PolicyPath, Source


def check(
    source: Source,
    *,
    policy: PolicyPath = None,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    json: AsJson = False,
) -> None:
    """Show how many VMs may move, and what holds the others.

    Also: the cheapest way out for each of them, how many VMs each host could receive now, and what is broken now.
    """
    from rebalancer.cli.output import print_json, show
    from rebalancer.cli.situation import open_case
    from rebalancer.cli.source import Door
    from rebalancer.cli.views import check_tables
    from rebalancer.rules.report import legality_report

    door = Door(ca_file=ca_file, fingerprints=fingerprint, credentials_file=credentials)
    case = open_case(source, policy, door, metrics=False)
    report = legality_report(case.legality)
    if json:
        print_json(report.as_json())
    else:
        show(*check_tables(report))
