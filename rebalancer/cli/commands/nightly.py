"""`rebalancer nightly`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import rebalancer as rb
from rebalancer.cli.options import AsJson, StateDir

if TYPE_CHECKING:
    from rebalancer.cli.monitoring import Monitor
    from rebalancer.execute import StopSignal
    from rebalancer.nightly import NightlyResult


def nightly(
    policy: Annotated[
        Path, typer.Argument(metavar="POLICY", help="Policy file (TOML) whose [pool] says where the pool is.")
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
    from rebalancer.cli.monitoring import Monitor
    from rebalancer.cli.output import print_json, say, show_lines
    from rebalancer.execute import stop_on_signals
    from rebalancer.export.rows import clock_lines, held_lines
    from rebalancer.export.timetable import window_remarks

    with stop_on_signals(tell=tell_stop) as stop, Monitor(metrics_file, policy, state_dir) as monitor:
        result = monitor.result = _night(policy, state_dir, stop if execute else None, monitor, pool_clock=pool_clock)
        monitor.code = exit_of(result.plan, left=result.left) if detailed_exitcode else Exit.DONE
        settle(monitor.code)
    if result.refused:
        say(f"planned without metrics: {result.refused}")
    if json and monitor.night:
        print_json(monitor.night.as_json())
    else:
        held, told = held_lines(result.plan.held), (*clock_lines(result.plan), *window_remarks(result.plan))
        show_lines(*held, result.plan.summary, *told, str(result), f"plan: {result.folder}")
    return monitor.code


def _night(
    policy: Path, state_dir: Path | None, stop: StopSignal | None, monitor: Monitor, *, pool_clock: bool
) -> NightlyResult:
    """The night of *policy*; its plan is carried out until *stop* asks not to, or not at all where there is none."""
    from rebalancer.approval import kept_policy
    from rebalancer.cli.carrying import Invocation, invocation_of_night
    from rebalancer.cli.ending import settle
    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import say, say_progress
    from rebalancer.cli.pool_time import PoolTime
    from rebalancer.cli.watching.progress import watch_night, watch_solve
    from rebalancer.errors import StoppedHalfWay
    from rebalancer.nightly import HistoryKeeper, Watchers, access_of, plan_and_execute, plan_only

    wanted = kept_policy(policy) if stop else rb.Policy.load(policy)
    monitor.keeper = keeper = HistoryKeeper(wanted, policy.parent, state_dir, say)
    wanted = keeper.anchored(wanted)
    monitor.wanted = wanted
    access = monitor.access = access_of(wanted, policy.parent)
    say_progress(f"reading the pool at {access.url}", url=access.url)
    clock = PoolTime(access.url, access.connection) if pool_clock else None
    keeper.clock = clock
    if stop is None:
        with watch_solve() as solving:
            watchers = Watchers(solving=solving, planned=monitor.planned, keeper=keeper)
            return plan_only(access, wanted, state_dir=state_dir, clock=clock, watchers=watchers)

    def invocation(folder: Path) -> Invocation:
        return invocation_of_night(folder, wanted, policy, state_dir)

    try:
        with watch_night() as (solving, running):
            watchers = Watchers(
                solving=solving,
                planned=monitor.planned,
                running=running,
                keeper=keeper,
                origin=lambda folder: invocation(folder).origin,
            )
            return plan_and_execute(access, wanted, state_dir=state_dir, clock=clock, watchers=watchers, stop=stop)
    except StoppedHalfWay as stopped:
        settle(Exit.STOPPED)
        raise stopped.with_ways(invocation(Path(stopped.plan)).ways_on()) from stopped
