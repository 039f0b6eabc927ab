"""`rebalancer diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, Beside, BesideCredentials, CaFile, CredentialsFile, Fingerprint, PlanPath


def diff(
    plan: PlanPath,
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER",
            help="Another plan, as a folder or its plan.json; or a pool: its URL, a snapshot or a dump.",
        ),
    ],
    *,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    beside: Beside = None,
    beside_credentials: BesideCredentials = None,
    json: AsJson = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 when there is a difference, with 0 when there is none."),
    ] = False,
) -> int:
    """Tell how two plans differ, or a plan and a pool.

    Of a pool: what has changed since the plan was made; whether the plan is still legal is for `verify` to say.
    """
    from pathlib import Path

    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import print_json, show_lines
    from rebalancer.cli.source import Door, is_url, open_source
    from rebalancer.diff.diff import plan_differences, pool_differences
    from rebalancer.export import is_plan, read_plan

    made = read_plan(plan)
    if not is_url(other) and is_plan(Path(other)):
        found = plan_differences(made, read_plan(other))
    else:
        door = Door(
            ca_file=ca_file,
            fingerprints=fingerprint,
            credentials_file=credentials,
            beside=beside,
            beside_credentials_file=beside_credentials,
        )
        found = pool_differences(made, open_source(other, door, made.policy.demand, metrics=False).pool)
    if json:
        print_json({"same": not found, "differences": [each.as_json() for each in found]})
    else:
        show_lines(*[each.words for each in found] or ["no difference"])
    return Exit.HAS_STEPS if detailed_exitcode and found else Exit.DONE
