"""`rebalancer sleep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, CaFile, CredentialsFile, Fingerprint, NoMetrics, PolicyPath, Source


def sleep(
    source: Source,
    *,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="PLAN", help="As if this plan were carried out; its policy counts."),
    ] = None,
    policy: PolicyPath = None,
    no_metrics: NoMetrics = False,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    json: AsJson = False,
) -> None:
    """Tell which hosts can sleep, and how few each hour needs.

    Those without VMs, together, with HA's failover plan and the hosts that the policy wants to spare kept. With
    metrics, how many hosts each hour needs at least. Switches nothing off.
    """
    from dataclasses import asdict

    from rebalancer.cli.output import print_json, say, show
    from rebalancer.cli.sleep_views import sleep_tables
    from rebalancer.cli.source import Door, open_source
    from rebalancer.errors import IllegalPlan
    from rebalancer.export import read_plan
    from rebalancer.policy.load import policy_or_default
    from rebalancer.problem import make_problem
    from rebalancer.verify.verify import verify_plan
    from rebalancer.whatif import sleep as sleep_of

    if plan and policy:
        raise typer.BadParameter("the plan carries its policy", param_hint="--policy")
    made = read_plan(plan) if plan else None
    wanted = made.policy if made else policy_or_default(policy)
    door = Door(ca_file=ca_file, fingerprints=fingerprint, credentials_file=credentials)
    seen = open_source(source, door, wanted.demand, metrics=not no_metrics)
    if seen.refused:
        say(f"without metrics, hours are unknown: {seen.refused}")
    if made and (findings := verify_plan(made, seen.pool, now=made.made_at)):
        raise IllegalPlan([str(finding) for finding in findings])
    problem = make_problem(seen.pool, seen.demand, wanted)
    moves = [step.move for step in made.steps] if made else []
    found = sleep_of(problem, problem.initial.after(*moves))
    if json:
        print_json(asdict(found))
    else:
        show(*sleep_tables(found))
