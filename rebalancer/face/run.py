"""Carrying plans out on one live pool, or on two."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.errors import InputError
from rebalancer.execute import (
    Clock,
    Live,
    Noting,
    PlanOrigin,
    RunOptions,
    RunReporter,
    RunResult,
    StopSignal,
    Timeouts,
    execute,
    journal_path,
    read_journal,
    resume,
    was_begun,
)
from rebalancer.export import folder_of
from rebalancer.face.connection import Connection
from rebalancer.face.model import path_of
from rebalancer.face.moments import assert_zoned
from rebalancer.history.ended import outcome_by
from rebalancer.history.outcome import holds_plan, write_outcome
from rebalancer.plan import Plan
from rebalancer.policy import ANY_TIME
from rebalancer.xapi import LivePair, LivePool, live_pool

if TYPE_CHECKING:
    from rebalancer.xapi import Credentials


def connect(url: str, way: Connection | Credentials | None = None) -> LivePool | LivePair:
    """The pool at *url*, to be changed; both pools, where *way* names one beside. Leaving its block logs out.

    Example:
        >>> import rebalancer as rb
        >>> with rb.simulator.Simulator(rb.simulator.demo_pool(), user="root", password="secret") as simulator:
        ...     with rb.connect(simulator.url, rb.Credentials(user="root", password="secret")) as live:
        ...         len(live.read().hosts)
        5

    Raises:
        ConnectionSettingsError: URL, credentials or trust cannot be used.
        XapiError: the pool cannot be reached, or does not let anybody in.
    """
    connection = Connection.of(way)
    live = live_pool(url, connection.login(), connection.trust(), **connection.wishes())
    if not connection.beside:
        return live
    with ExitStack() as stack:
        stack.enter_context(live)
        there = connection.of_beside(url)
        other = live_pool(connection.beside, there.login(), connection.trust(), **there.wishes())
        stack.pop_all()
    return LivePair(live, other)


def assert_fits(plan: Plan, connection: Connection) -> None:
    """Pass where *connection* leads to as many pools as *plan* is for.

    Raises:
        InputError: it does not.
    """
    two = bool(plan.made_from.beside)
    if two != bool(connection.beside):
        called = f"the plan is for {'pools' if two else 'pool'} {plan.made_from.called}"
        remedy = "Name the URL of the other pool there" if two else "Leave it out"
        raise InputError("--beside", called, remedy)


def apply(
    plan: Plan,
    live: Live,
    *,
    journal: Path | str | None = None,
    state_dir: Path | str | None = None,
    deadline: datetime | None = None,
    any_time: bool = False,
    break_lock: bool = False,
    reporter: RunReporter | None = None,
    clock: Clock | None = None,
    stop: StopSignal | None = None,
    timeouts: Timeouts | None = None,
    origin: PlanOrigin | None = None,
) -> RunResult:
    """Carry *plan* out on *live*; a plan that was begun goes on where its journal ends.

    Example:
        >>> import rebalancer as rb
        >>> way = rb.Credentials(user="root", password="secret")
        >>> pool = rb.simulator.demo_pool()
        >>> with rb.simulator.Simulator(pool, user=way.user, password=way.password, speed=500) as simulator:
        ...     state = rb.read(simulator.url, way, metrics=False)
        ...     plan = rb.rebalance(rb.Model(state, rb.Policy(mode="repair")))
        ...     with rb.connect(simulator.url, way) as live:
        ...         run = rb.apply(plan, live)
        >>> run.complete, len(run.done) == len(plan.steps)
        (True, True)

    Args:
        plan: as it was made or read back.
        live: the pool.
        journal: where the run is written down; by default in the state folder.
        state_dir: the folder for locks and journals; by default that of the command line.
        deadline: no step is started that would end later, by its estimate.
        any_time: whether change windows and blackouts of the plan's policy do not matter.
        break_lock: whether the lock of another run is taken away from the pool, because somebody knows that it is dead.
        reporter: hears of everything.
        clock: time.
        stop: asked once, nothing more is started; asked twice, running migrations are cancelled.
        timeouts: how long to wait for what.
        origin: where the plan comes from, for whoever looks at the run with `rebalancer status`.

    Raises:
        IllegalPlan: the plan was edited.
        StalePlan: the pool is no longer what the plan was made for; nothing was sent.
        PoolLocked: another run is writing to this pool.
        InputError: the journal cannot be used, or *deadline* has no zone.
        XapiError: the pool cannot be reached; nothing was sent.
        StoppedHalfWay: people have to look.
    """
    assert_zoned(deadline, "deadline")
    folder = path_of(state_dir)
    book, time = path_of(journal) or journal_path(plan.digest, folder), clock or Clock()
    options = RunOptions(
        journal=book,
        state_dir=folder,
        deadline=deadline,
        windows=ANY_TIME if any_time else None,
        reporter=Noting(reporter or RunReporter(), journal=book, state_dir=folder, clock=time, origin=origin),
        clock=time,
        stop=stop or StopSignal(),
        timeouts=timeouts or Timeouts(),
        break_lock=break_lock,
    )
    try:
        return (resume if was_begun(book) else execute)(plan, live, options)
    finally:
        if origin and origin.folder:
            _tell_outcome(plan, book, folder_of(Path(origin.folder)))


def _tell_outcome(plan: Plan, journal: Path, folder: Path) -> None:
    """Write how *plan* ended beside it, as far as its *journal* tells; what cannot be written changes nothing."""
    with suppress(InputError):
        if holds_plan(folder) and (entries := read_journal(journal)):
            write_outcome(outcome_by(plan, entries), folder)
