"""`rebalancer plan`."""

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
    DemandFile,
    Fingerprint,
    NoMetrics,
    PolicyPath,
    Source,
    StateDir,
)

if TYPE_CHECKING:
    from rebalancer.rules import Rulebook


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
    beside: Beside = None,
    beside_credentials: BesideCredentials = None,
    no_metrics: NoMetrics = False,
    state_dir: StateDir = None,
    json: AsJson = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 when the plan has steps, with 7 when it is incomplete."),
    ] = False,
    tradeoff: Annotated[
        str | None,
        typer.Option(
            "--tradeoff",
            metavar="COST",
            help="Instead of a plan, print the curve of what less overload costs, in `gib` copied or in `moves`.",
        ),
    ] = None,
) -> int:
    """Plan what moves where, and why; move nothing.

    Every step comes with its reason, every objective with a bound that no other plan can beat.
    """
    from datetime import UTC, datetime

    from rebalancer.cli.exits import Exit, exit_of
    from rebalancer.cli.output import print_json, say, show
    from rebalancer.cli.progress import watch_solve
    from rebalancer.cli.situation import open_case
    from rebalancer.cli.source import Door
    from rebalancer.cli.views import plan_tables
    from rebalancer.execute import cooled, learned_pace
    from rebalancer.export import assert_free, plan_document, write_plan
    from rebalancer.planner.rebalance import rebalance
    from rebalancer.problem import make_problem
    from rebalancer.rules import Rulebook

    door = Door(
        ca_file=ca_file,
        fingerprints=fingerprint,
        credentials_file=credentials,
        beside=beside,
        beside_credentials_file=beside_credentials,
    )
    if output and tradeoff:
        raise typer.BadParameter(
            "a curve is no plan that could be written; leave one of the two out", param_hint="--output"
        )
    if output:
        assert_free(output)
    case = open_case(source, policy, door, metrics=not no_metrics, table=demand)
    if case.situation.refused and case.problem.policy.mode.needs_demand:
        raise case.situation.refused
    if case.situation.refused:
        say(f"planning without metrics: {case.situation.refused}")
    now, pool = datetime.now(UTC), case.problem.pool
    wanted = cooled(case.problem.policy, pool, now, state_dir)
    book = Rulebook.of(make_problem(pool, case.problem.demand, wanted))
    if tradeoff:
        return _print_tradeoff(book, tradeoff, json=json)
    with watch_solve() as reporter:
        made = rebalance(book, made_at=now, reporter=reporter, pace=learned_pace(pool.uuid, state_dir))
    if output:
        write_plan(made, output)
        say(f"{output}: plan.json, plan.md, moves.csv and run.sh written")
    if json:
        print_json(plan_document(made))
    else:
        show(*plan_tables(made))
    return exit_of(made, left=len(made.steps)) if detailed_exitcode else Exit.DONE


def _print_tradeoff(book: Rulebook, cost: str, *, json: bool) -> int:
    """The curve of *cost* against overload."""
    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import print_json, show
    from rebalancer.cli.tradeoff_views import tradeoff_document, tradeoff_tables
    from rebalancer.solve import Cost
    from rebalancer.solve import tradeoff as curve_of

    if cost not in set(Cost):
        raise typer.BadParameter(f"{cost!r} is neither gib nor moves", param_hint="--tradeoff")
    curve = curve_of(book, cost=Cost(cost))
    if json:
        print_json(tradeoff_document(curve))
    else:
        show(*tradeoff_tables(curve))
    return Exit.DONE
