"""`rebalancer status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, StateDir


def status(
    plan: Annotated[
        Path | None,
        typer.Argument(
            metavar="PLAN",
            help="A plan folder, or its plan.json. Without it: the newest run of each pool.",
            show_default=False,
        ),
    ] = None,
    *,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Show a run from another terminal.

    How far it is, what it waits for, when it will be done, and if it is over, how it ended. Reads the files of the
    state folder, and never needs the pool. Only the user who runs it, and root, can read them.
    """
    from datetime import UTC, datetime

    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.runs import run_tables
    from rebalancer.execute import run_of, runs_in
    from rebalancer.export import read_plan

    now = datetime.now(UTC)
    runs = (run_of(read_plan(plan), now, state_dir),) if plan else runs_in(now, state_dir)
    document = {"runs": [run.as_json() for run in runs]}
    show_or_json(run_tables(runs, now, state_dir), lambda: document, json=json)
