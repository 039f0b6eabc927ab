"""`rebalancer policy check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, Beside, BesideCredentials, CaFile, CredentialsFile, Fingerprint

app = typer.Typer(help="Check a policy file.", no_args_is_help=True)


@app.callback()
def policy() -> None:
    """Check a policy file."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="POLICY", help="Policy file (TOML).")],
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="A pool to resolve its names in: URL, snapshot or dump.")
    ] = None,
    *,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    beside: Beside = None,
    beside_credentials: BesideCredentials = None,
    json: AsJson = False,
) -> None:
    """Read a policy file and say what is wrong with it.

    With SOURCE also find every VM and host that it names, and say what cannot be kept in that pool.
    """
    from rebalancer.cli.output import print_json, show_lines
    from rebalancer.cli.source import Door, open_source
    from rebalancer.legality.policy_findings import policy_findings
    from rebalancer.policy.lint import check_alone
    from rebalancer.policy.load import load_policy
    from rebalancer.rules import relaxed

    wanted = load_policy(file)
    relaxed(wanted)
    door = Door(
        ca_file=ca_file,
        fingerprints=fingerprint,
        credentials_file=credentials,
        beside=beside,
        beside_credentials_file=beside_credentials,
    )
    findings = check_alone(wanted)
    if source:
        pool = open_source(source, door, wanted.demand, metrics=False).pool
        findings = policy_findings(wanted, pool)
    if json:
        print_json({"policy": wanted.model_dump(mode="json"), "findings": [str(each) for each in findings]})
        return
    lines = [f"{file}: policy '{wanted.name}', mode {wanted.mode}, is well-formed."]
    lines += [f"- {finding}" for finding in findings]
    if source and not findings:
        lines.append("Every name is known, and nothing contradicts.")
    show_lines(*lines)
