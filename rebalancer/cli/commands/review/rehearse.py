"""`rebalancer rehearse`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.options import AsJson, PlanPath

ALL = "all"


def rehearse(
    plan: PlanPath,
    *,
    snapshot: Annotated[
        Path | None,
        typer.Option(
            "--snapshot",
            metavar="FILE",
            help="The pool that the plan was made for, a snapshot or a database dump (default: the snapshot in the "
            "plan's folder or beside it).",
        ),
    ] = None,
    faults: Annotated[
        str,
        typer.Option(
            metavar="NAME,…",
            help="Kinds of faults, of which one strikes each run in turn; `all` for every kind that matters to a run; "
            "`simulate --fault list` prints them. Without it all goes well.",
        ),
    ] = "",
    runs: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="How many runs.")] = 100,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same runs.")] = 1,
    json: AsJson = False,
) -> None:
    """Carry a plan out on a simulated pool, many times; move nothing.

    The pool is made from a snapshot, and lives in a time of its own. Prints how long the plan takes, how runs end,
    where faults leave the VMs, and how resume and rollback would go.
    """
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.rehearsals import rehearsal_document, rehearsal_tables
    from rebalancer.cli.watching.progress import watch_rehearsal
    from rebalancer.export import read_plan
    from rebalancer.rehearse import rehearse as play
    from rebalancer.rehearse import snapshot_of
    from rebalancer.simulator import DRAWN

    made = read_plan(plan)
    state = rb.read(snapshot or snapshot_of(plan), metrics=False)
    kinds = DRAWN if faults == ALL else tuple(name.strip() for name in faults.split(",") if name.strip())
    with watch_rehearsal(runs) as tell:
        found = play(made, state.pool, faults=kinds, runs=runs, seed=seed, tell=tell)
    show_or_json(rehearsal_tables(found), lambda: rehearsal_document(found), json=json)
