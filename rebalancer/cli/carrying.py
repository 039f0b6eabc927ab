"""A plan that is carried out while somebody watches: begun, or gone on with where its journal ends."""

from __future__ import annotations

from datetime import datetime

from rebalancer.cli.next_commands import Typed
from rebalancer.cli.progress import watch_run
from rebalancer.cli.source import open_live
from rebalancer.cli.stopping import tell_stop
from rebalancer.errors import StoppedHalfWay
from rebalancer.execute import RunOptions, RunResult, execute, journal_path, resume, stop_on_signals, was_begun
from rebalancer.plan import Plan
from rebalancer.policy import ANY_TIME, change_windows


def carried_out(plan: Plan, typed: Typed, deadline: datetime | None) -> RunResult:
    """How *plan* ended on the pool that was *typed*.

    Args:
        plan: as it was read back.
        typed: where it is carried out, and by which way in.
        deadline: no step is started that would end later; None for any time.

    Raises:
        StoppedHalfWay: people have to look; it tells what to type next.
    """
    book = typed.journal or journal_path(plan.digest, typed.state_dir)
    carry_out = resume if was_begun(book) else execute
    windows = ANY_TIME if typed.any_time else change_windows(plan.policy)
    try:
        with (
            open_live(typed.url, typed.door, plan) as live,
            stop_on_signals(tell=tell_stop) as stop,
            watch_run() as told,
        ):
            options = RunOptions(
                journal=book,
                state_dir=typed.state_dir,
                deadline=deadline,
                windows=windows,
                reporter=told,
                stop=stop,
            )
            return carry_out(plan, live, options)
    except StoppedHalfWay as stopped:
        raise stopped.with_ways(typed.ways_on()) from stopped
