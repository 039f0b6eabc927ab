"""`rebalancer rollback`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rebalancer.cli.options import (
    AsJson,
    Beside,
    BesideCredentials,
    CaFile,
    CredentialsFile,
    Fingerprint,
    PlanPath,
    Source,
    StateDir,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from rebalancer.cli.source import Situation
    from rebalancer.plan import Plan


def rollback(
    plan: PlanPath,
    source: Source,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Write plan.json, plan.md, moves.csv and run.sh there."),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(
            "--after",
            metavar="STEP",
            help="As if this step, and all that it waits for, were done as well (repeat for several).",
        ),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option("--journal", metavar="FILE", help="Journal of the run (default: in the state folder)."),
    ] = None,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    state_dir: StateDir = None,
    beside: Beside = None,
    beside_credentials: BesideCredentials = None,
    json: AsJson = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 when the plan has steps, with 7 when some VM stays."),
    ] = False,
) -> int:
    """Plan the way back from wherever a plan stopped; move nothing.

    A plan like any other: it brings each VM that the plan has moved to where the plan found it, every state legal, and
    names those that cannot return, with the rule.
    """
    from datetime import UTC, datetime

    from rebalancer.cli.exits import Exit, exit_of
    from rebalancer.cli.output import print_json, say, show
    from rebalancer.cli.source import Door, open_source
    from rebalancer.cli.views import plan_tables
    from rebalancer.execute import learned_pace
    from rebalancer.export import assert_free, plan_document, read_plan, write_plan
    from rebalancer.undo.undo import undo

    if output:
        assert_free(output)
    made = read_plan(plan)
    door = Door(
        ca_file=ca_file,
        fingerprints=fingerprint,
        credentials_file=credentials,
        beside=beside,
        beside_credentials_file=beside_credentials,
    )
    seen = open_source(source, door, made.policy.demand, metrics=False)
    done = _done(made, seen, after or (), journal, state_dir)
    back = undo(made, seen.pool, made_at=datetime.now(UTC), done=done, pace=learned_pace(seen.pool.uuid, state_dir))
    if output:
        write_plan(back, output)
        say(f"{output}: plan.json, plan.md, moves.csv and run.sh written")
    if json:
        print_json(plan_document(back))
    else:
        show(*plan_tables(back))
    return exit_of(back, left=len(back.steps)) if detailed_exitcode else Exit.DONE


def _done(
    plan: Plan, seen: Situation, after: Collection[str], journal: Path | None, state_dir: Path | None
) -> Collection[str]:
    """The steps that count as done, whatever was seen: those that were named, else those that the journal tells of."""
    from rebalancer.execute import done_since, journal_path

    if after and journal:
        raise typer.BadParameter("name the steps, or the journal that tells of them", param_hint="--after")
    book = journal or journal_path(plan.digest, state_dir)
    return after or done_since(plan, book, seen.taken_at)
