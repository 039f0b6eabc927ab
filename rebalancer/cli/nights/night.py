"""One night of one policy, as the command line has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import rebalancer as rb
from rebalancer.approval import kept_policy
from rebalancer.cli.carrying import Invocation, invocation_of_night
from rebalancer.cli.ending import settle
from rebalancer.cli.exits import Exit
from rebalancer.cli.nights.monitoring import Monitor
from rebalancer.cli.nights.pool_time import AheadOfThis, PoolTime
from rebalancer.cli.output import say, say_progress
from rebalancer.cli.watching.progress import watch_night, watch_solve
from rebalancer.errors import StoppedHalfWay
from rebalancer.execute import Clock, RunReporter, StopSignal
from rebalancer.nightly import (
    Access,
    HistoryKeeper,
    Keeper,
    NightlyResult,
    Watchers,
    access_of,
    keep_ahead,
    known_ahead,
    patiently,
    plan_and_execute,
    plan_only,
)
from rebalancer.solve import SolveReporter

Watching = Callable[[], AbstractContextManager[tuple[SolveReporter, RunReporter]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the command line says of all nights.

    Args:
        state_dir: the state folder.
        metrics: the textfile for monitoring.
        pool_clock: whether the clock of the pool counts.
        detailed: whether the exit code tells what is left.
    """

    state_dir: Path | None
    metrics: Path | None
    pool_clock: bool
    detailed: bool


@contextmanager
def watched_alone() -> Iterator[tuple[SolveReporter, RunReporter]]:
    """Solving alone is watched."""
    with watch_solve() as solving:
        yield solving, RunReporter()


def night_of(
    policy: Path,
    given: Surroundings,
    stop: StopSignal | None,
    monitor: Monitor,
    *,
    watching: Watching | None = None,
    beside: Callable[[Watchers], Watchers] = lambda watchers: watchers,
    keeping: Callable[[HistoryKeeper], Keeper] = lambda keeper: keeper,
) -> NightlyResult:
    """The night of *policy*; its plan is carried out until *stop* asks not to, or not at all where there is none.

    Args:
        policy: the policy file.
        given: what holds for all nights.
        stop: whether somebody asks to stop; None where nothing is to be carried out.
        monitor: hears how far it got.
        watching: shows solving and the run; the one line of a terminal by default.
        beside: what nights beside this one change about who hears of it.
        keeping: what they change about what is kept.
    """
    wanted = (kept_policy(policy) if stop else rb.Policy.load(policy)).anchored(policy.parent)
    history = HistoryKeeper(wanted, policy.parent, given.state_dir, say)
    monitor.keeper = keeper = keeping(history)
    monitor.wanted = wanted
    access = monitor.access = access_of(wanted, policy.parent)
    say_progress(f"reading the pool at {access.url}", url=access.url)
    clock = _clock(access, wanted, given, monitor)

    def invocation(folder: Path) -> Invocation:
        return invocation_of_night(folder, wanted, policy, given.state_dir)

    try:
        with (watching or (watch_night if stop else watched_alone))() as (solving, running):
            watchers = beside(
                Watchers(
                    solving=solving,
                    planned=monitor.planned,
                    running=running,
                    waiting=say,
                    keeper=keeper,
                    origin=lambda folder: invocation(folder).origin,
                )
            )
            if stop is None:
                return plan_only(access, wanted, state_dir=given.state_dir, clock=clock, watchers=watchers)
            return plan_and_execute(
                access, wanted, state_dir=given.state_dir, clock=clock, watchers=watchers, stop=stop
            )
    except StoppedHalfWay as stopped:
        if watching is None:
            settle(Exit.STOPPED)
        raise stopped.with_ways(invocation(Path(stopped.plan)).ways_on()) from stopped


def _clock(access: Access, wanted: rb.Policy, given: Surroundings, monitor: Monitor) -> Clock:
    """The clock that the night goes by, which *monitor* knows from now on.

    While the pool is silent whose clock counts, that is the one that it showed on the night before.

    Raises:
        XapiError: the pool's clock counts, and cannot be asked for as long as *wanted* has patience.
    """
    monitor.clock = Clock()
    if given.pool_clock:
        monitor.clock = AheadOfThis(known_ahead(access.url, given.state_dir))
        found = patiently(lambda: PoolTime(access.url, access.connection), wanted, monitor.clock, say)
        keep_ahead(access.url, found.ahead, given.state_dir)
        monitor.clock = found
    return monitor.clock
