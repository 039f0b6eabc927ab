"""`rebalancer plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import (
    AsJson,
    CaFile,
    CredentialsFile,
    DemandFile,
    Fingerprint,
    NoMetrics,
    PolicyPath,
    Source,
)


def plan(
    source: Source,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Write plan.json, plan.md, moves.csv and run.sh there."),
    ] = None,
    policy: PolicyPath = None,
    demand: DemandFile = None,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    no_metrics: NoMetrics = False,
    json: AsJson = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when the plan has steps, with 0 when it has none.")
    ] = False,
) -> int:
    """Make a plan: what moves where, why, in which order, and how good any other plan could be. Moves nothing."""
    from datetime import UTC, datetime

    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import console, log, print_json
    from rebalancer.cli.progress import watch_solve
    from rebalancer.cli.situation import open_case
    from rebalancer.cli.source import Door
    from rebalancer.cli.views import plan_tables
    from rebalancer.export import plan_document, write_plan
    from rebalancer.plan import rebalance

    door = Door(ca_file=ca_file, fingerprints=tuple(fingerprint or ()), credentials_file=credentials)
    case = open_case(source, policy, door, metrics=not no_metrics, table=demand)
    if case.situation.refused and case.problem.policy.mode.needs_demand:
        raise case.situation.refused
    if case.situation.refused:
        log().print(f"planning without metrics: {case.situation.refused}", markup=False)
    with watch_solve() as reporter:
        made = rebalance(case.problem, made_at=datetime.now(UTC), reporter=reporter)
    if output:
        write_plan(made, output)
        log().print(f"{output}: plan.json, plan.md, moves.csv and run.sh written", markup=False)
    if json:
        print_json(plan_document(made))
    else:
        console().print(*plan_tables(made), sep="\n\n")
    return Exit.HAS_STEPS if detailed_exitcode and made.steps else Exit.DONE
