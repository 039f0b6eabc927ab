"""`rebalancer rollback`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, PlanFolder, PlanPath, Source, StateDir


@reaches_pools
def rollback(
    plan: PlanPath,
    source: Source,
    *,
    output: PlanFolder = None,
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
    connection: rb.Connection,
    state_dir: StateDir = None,
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
    from rebalancer.cli.opening import hand_over
    from rebalancer.errors import InputError
    from rebalancer.export import assert_free, read_plan

    if after and journal:
        raise typer.BadParameter("name the steps, or the journal that tells of them", param_hint="--after")
    if journal and not journal.exists():
        raise InputError(
            str(journal), "there is no such journal", "Name that of the run, or none to go by the pool alone"
        )
    if output:
        assert_free(output)
    made = read_plan(plan)
    state = rb.read(source, connection, demand=made.policy.demand, metrics=False)
    back = rb.undo(made, state, after=after or (), journal=journal, state_dir=state_dir)
    return hand_over(back, output, json=json, detailed=detailed_exitcode)
