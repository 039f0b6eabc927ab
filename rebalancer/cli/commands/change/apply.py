"""`rebalancer apply`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, PlanPath, StateDir, Url

WEEK = 7 * 24 * 60
"""Minutes: no run is meant to last longer."""


@reaches_pools
def apply(
    plan: PlanPath,
    url: Url,
    *,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            "-p",
            metavar="FILE",
            help="Policy whose [execution] says whether the plan must be approved. Without it: the plan's own.",
        ),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option("--journal", metavar="FILE", help="Where the run is written down (default: in the state folder)."),
    ] = None,
    minutes: Annotated[
        int | None,
        typer.Option(
            "--minutes",
            metavar="N",
            min=1,
            max=WEEK,
            help="Start no migration that would not end within N minutes (default: no limit but the change windows).",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="TIME",
            help="Start no migration that would not end by TIME: 05:00, by the clocks of the plan's change windows, "
            "else of this machine; or 2026-03-02T05:00+01:00. Of --until and --minutes the first counts.",
        ),
    ] = None,
    any_time: Annotated[
        bool,
        typer.Option(
            "--any-time", help="Do not wait for the change windows of the plan's policy, nor for blackouts to end."
        ),
    ] = False,
    break_lock: Annotated[
        bool,
        typer.Option(
            "--break-lock", help="Take away the lock that another run holds in the pool: only if you know it is dead."
        ),
    ] = False,
    connection: rb.Connection,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> int:
    """Carry a plan out on a live pool.

    As many migrations at once as the plan's limits allow, each checked again before it starts, and none outside the
    change windows of its policy. A run that was killed resumes where it ended. Ctrl-C once: start nothing more, finish
    what runs. Twice: cancel what runs.
    """
    from rebalancer.approval import Demands, assert_approved, demands_in
    from rebalancer.cli.approving import manifest_of
    from rebalancer.cli.carrying import Invocation, carried_out, exit_of_run
    from rebalancer.cli.ending import tell
    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import print_json, say, show
    from rebalancer.cli.until import deadline_of
    from rebalancer.export import folder_of, read_plan

    made = read_plan(plan)
    known = {"plan": made.digest, "folder": str(folder_of(plan))}
    tell({**known, "steps": len(made.steps), "moved": 0, "left": len(made.steps), "journal": None, "why": ""})
    manifest_of(made, plan)
    demands = demands_in(policy) if policy else Demands(approval=False)
    assert_approved(made, folder_of(plan), demands)
    deadline, understood = deadline_of(made.policy, until=until, minutes=minutes)
    invocation = Invocation(
        folder=folder_of(plan),
        url=url,
        connection=connection,
        policy=policy,
        journal=journal,
        state_dir=state_dir,
        any_time=any_time,
        break_lock=break_lock,
    )
    if understood:
        say(understood)
    result = carried_out(made, invocation, deadline)
    if json:
        print_json(result.as_json() | known)
    else:
        show(str(result))
    if exit_of_run(result) is Exit.LATER:
        for line in invocation.ways_on_later(made, result):
            say(line)
    return exit_of_run(result)
