"""`rebalancer nightly`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.options import AsJson, StateDir


def nightly(
    policy: Annotated[
        Path,
        typer.Argument(
            metavar="POLICY",
            help="Policy file (TOML), a folder of them, or a file that lists them.",
        ),
    ],
    *,
    execute: Annotated[
        bool, typer.Option("--execute", help="Carry the plan out. Without it nothing is moved.")
    ] = False,
    state_dir: StateDir = None,
    metrics_file: Annotated[
        Path | None,
        typer.Option(
            "--metrics-file",
            metavar="FILE",
            help="Write how it ended to FILE (.prom), for the textfile collector of Prometheus' node_exporter.",
        ),
    ] = None,
    pool_clock: Annotated[
        bool,
        typer.Option(
            "--pool-clock",
            help="Go by the clock of the pool, not by this machine's: to rehearse nights on a simulated pool.",
        ),
    ] = False,
    dask: Annotated[
        str | None,
        typer.Option("--dask", metavar="SCHEDULER", help="Plan a fleet on the Dask cluster with this scheduler."),
    ] = None,
    json: AsJson = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option(
            "--detailed-exitcode",
            help="Exit with 2 when steps are left to be done, with 7 when the plan is incomplete or limits cut it.",
        ),
    ] = False,
) -> int:
    """Plan, and with --execute carry the plan out: for cron.

    The plan is kept in the state folder and carried out only inside the change windows of the policy.
    """
    from rebalancer.cli.carrying import tell_stop
    from rebalancer.cli.ending import settle
    from rebalancer.cli.exits import Exit, exit_of
    from rebalancer.cli.nights.fleet import nights_of
    from rebalancer.cli.nights.monitoring import Monitor
    from rebalancer.cli.nights.night import Surroundings, night_of
    from rebalancer.cli.output import print_json, say, show_lines
    from rebalancer.execute import stop_on_signals
    from rebalancer.export.rows import clock_lines, held_lines
    from rebalancer.export.timetable import window_remarks

    given = Surroundings(state_dir=state_dir, metrics=metrics_file, pool_clock=pool_clock, detailed=detailed_exitcode)
    if rb.policy.is_fleet(policy):
        return nights_of(policy, given, execute=execute, dask=dask, json=json)
    if dask:
        raise typer.BadParameter("it is for several policies", param_hint="--dask")
    with stop_on_signals(tell=tell_stop) as stop, Monitor(metrics_file, policy, state_dir) as monitor:
        result = monitor.result = night_of(policy, given, stop if execute else None, monitor)
        monitor.code = exit_of(result.plan, left=result.left) if detailed_exitcode else Exit.DONE
        settle(monitor.code)
    if result.refused:
        say(f"planned without metrics: {result.refused}")
    if json and monitor.night:
        print_json(monitor.night.as_json())
    else:
        held, told = held_lines(result.plan.held), (*clock_lines(result.plan), *window_remarks(result.plan))
        show_lines(*held, result.plan.summary, *result.left_alone, *told, *result.lines, f"plan: {result.folder}")
    return monitor.code
