"""`rebalancer part`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, PlanPath


@reaches_pools
def part(
    plan: PlanPath,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE", help="The pool (URL, snapshot, dump); without it: the snapshot in or beside the folder."
        ),
    ] = None,
    *,
    without: Annotated[
        list[str], typer.Option("--without", metavar="STEP", help="Leave this step out (repeat for several).")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the part goes.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why the steps are left out, for the plan's list.")
    ] = "left out",
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Make a plan of what is left without some steps.

    To be looked at before it is approved: a plan of its own, ordered and verified anew. Nothing is
    approved: `rebalancer approve` does that.
    """
    from rebalancer.cli.approving import manifest_of, part_of, state_of
    from rebalancer.cli.opening import say_saved
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.plans import plan_tables
    from rebalancer.export import assert_free, plan_document, read_plan

    whole = read_plan(plan)
    manifest_of(whole, plan)
    assert_free(output)
    made = part_of(whole, without, state_of(whole, plan, source, connection), output, reason)
    say_saved(output)
    show_or_json(plan_tables(made), lambda: plan_document(made), json=json)
