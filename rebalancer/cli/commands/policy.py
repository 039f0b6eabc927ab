"""`rebalancer policy check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rebalancer.cli.options import AsJson, Beside, BesideCredentials, CaFile, CredentialsFile, Fingerprint

if TYPE_CHECKING:
    from rebalancer.inventory import Pool
    from rebalancer.policy import Policy, PolicyFinding

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
        findings = _findings_in(wanted, pool)
    if json:
        print_json({"policy": wanted.model_dump(mode="json"), "findings": [str(each) for each in findings]})
        return
    lines = [f"{file}: policy '{wanted.name}', mode {wanted.mode}, is well-formed."]
    lines += [f"- {finding}" for finding in findings]
    if source and not findings:
        lines.append("Every name is known, and nothing contradicts.")
    show_lines(*lines)


def _findings_in(wanted: Policy, pool: Pool) -> tuple[PolicyFinding, ...]:
    """What *wanted* asks for in vain in *pool*: by itself, then by what the rules let single VMs do."""
    from rebalancer.policy.lint import check_policy
    from rebalancer.problem import make_problem
    from rebalancer.rules import check_groups, check_spare, rules_for

    found = check_policy(wanted, pool)
    problem = make_problem(pool, None, wanted)
    said = {each.where for each in found if each.words.endswith("cannot be kept")}
    more = (each for each in check_groups(problem, rules_for(problem)) if each.where not in said)
    return (*found, *more, *check_spare(problem))
