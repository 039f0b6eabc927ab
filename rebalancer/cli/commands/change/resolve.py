"""`rebalancer resolve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, PlanPath, StateDir


@reaches_pools
def resolve(
    plan: PlanPath,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step whose outcome nobody knows, such as s04.")],
    url: Annotated[
        str | None,
        typer.Argument(metavar="URL", help="The pool's coordinator: it has to show nothing else than what you say."),
    ] = None,
    *,
    not_sent: Annotated[
        bool,
        typer.Option("--not-sent", help="Its call never reached the pool: the step is made when apply goes on."),
    ] = False,
    moved: Annotated[bool, typer.Option("--moved", help="Its VM is where the step leads: the step is done.")] = False,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, such as what xe task-list showed.")],
    journal: Annotated[
        Path | None,
        typer.Option("--journal", metavar="FILE", help="Journal of the run (default: in the state folder)."),
    ] = None,
    connection: rb.Connection,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Say what became of a step that is `unknown`.

    For a call of which neither the run nor the pool can tell whether it was sent. What you say is written to the
    journal, with your name, and `apply` goes on from there. No migration is sent.
    """
    from dataclasses import asdict
    from shlex import quote

    from rebalancer.approval import assert_said
    from rebalancer.cli.output import print_json, show_lines
    from rebalancer.execute import RunOptions, Saying, Seen, journal_path, resolve_step
    from rebalancer.export import folder_of, read_plan
    from rebalancer.face.run import assert_fits

    if not_sent == moved:
        raise typer.BadParameter("say either that it was never sent, or that its VM has moved", param_hint="--not-sent")
    assert_said(by, reason)
    made = read_plan(plan)
    options = RunOptions(journal=journal or journal_path(made.digest, state_dir), state_dir=state_dir)
    said = Saying(step=step, seen=Seen.MOVED if moved else Seen.NOT_SENT, by=by, reason=reason)
    if url:
        assert_fits(made, connection)
        with rb.connect(url, connection) as live:
            found = resolve_step(made, said, options, live)
    else:
        found = resolve_step(made, said, options)
    if json:
        print_json(asdict(found) | {"at": found.at.isoformat()})
        return
    again = f"rebalancer apply {quote(str(folder_of(plan)))} {quote(url) if url else 'URL'}"
    show_lines(f"{step} is {found.state}, says {by}: {reason}", f"resume with: {again}, and the options of the run")
