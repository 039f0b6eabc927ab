"""The two ways into a run: from the start of a plan, and from where a journal ends."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.errors import InputError
from rebalancer.execute.journal.entries import Entry
from rebalancer.execute.journal.history import entries_for, histories
from rebalancer.execute.journal.lock import pool_locks
from rebalancer.execute.live import Live
from rebalancer.execute.options import RunOptions
from rebalancer.execute.result import Ending, RunResult
from rebalancer.execute.run.guard import guard_of
from rebalancer.execute.run.hours import Hours
from rebalancer.execute.run.run import Run
from rebalancer.execute.run.watch import Watch
from rebalancer.plan import Plan
from rebalancer.policy import change_windows


def execute(plan: Plan, live: Live, options: RunOptions) -> RunResult:
    """Carry out *plan* on *live*; the journal of *options* may tell of no step yet.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> way, demo = rb.Credentials(user="root", password="secret"), rb.simulator.demo_pool()
        >>> options = rb.execute.RunOptions(journal=rb.execute.journal_path(plan.digest))
        >>> with rb.simulator.Simulator(demo, user="root", password="secret", speed=200) as simulator:
        ...     with rb.connect(simulator.url, way) as live:
        ...         str(rb.execute.execute(plan, live, options))
        'steps done: 5; all steps are done'

    Raises:
        IllegalPlan: the plan was edited.
        StalePlan: the pool is no longer what the plan was made for; nothing was sent.
        PoolLocked: another run is writing to this pool.
        InputError: the journal cannot be used, or tells of a run already.
        XapiError: the pool cannot be reached; nothing was sent.
        StoppedHalfWay: people have to look.
    """
    if not plan.steps:
        return RunResult(ending=Ending.COMPLETE, done=(), left=())
    with pool_locks(plan.made_from.pool_names, options.state_dir):
        entries = entries_for(plan, options.journal)
        if histories(options.journal, entries):
            raise InputError(str(options.journal), "this plan was begun already", "Resume it, or make a new plan")
        return _run(plan, live, options, entries)


def resume(plan: Plan, live: Live, options: RunOptions) -> RunResult:
    """Go on with *plan* where the run that wrote the journal of *options* ended, however it ended.

    A call that may be under way is never sent again: the pool is watched until it shows what became of it. A plan whose
    run never began is executed from its start. Errors are those of `execute`.

    Example:
        >>> from contextlib import suppress
        >>> from dataclasses import replace
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> way, demo = rb.Credentials(user="root", password="secret"), rb.simulator.demo_pool()
        >>> stopped = rb.execute.StopSignal()
        >>> options = rb.execute.RunOptions(journal=rb.execute.journal_path(plan.digest))
        >>> stopped.ask()
        >>> with rb.simulator.Simulator(demo, user="root", password="secret", speed=200) as simulator:
        ...     with rb.connect(simulator.url, way) as live:
        ...         with suppress(rb.errors.StoppedHalfWay):
        ...             rb.execute.execute(plan, live, replace(options, stop=stopped))
        ...         str(rb.execute.resume(plan, live, options))
        'steps done: 5; all steps are done'
    """
    with pool_locks(plan.made_from.pool_names, options.state_dir):
        return _run(plan, live, options, entries_for(plan, options.journal))


def _run(plan: Plan, live: Live, options: RunOptions, entries: Sequence[Entry]) -> RunResult:
    options.stop.heed()
    windows = change_windows(plan.policy) if options.windows is None else options.windows
    watch = Watch(live=live, clock=options.clock, stop=options.stop, timeouts=options.timeouts)
    history = histories(options.journal, entries)
    guard = guard_of(plan, watch, options, entries)
    run = Run(
        plan=plan,
        watch=watch,
        guard=guard,
        path=options.journal,
        reporter=options.reporter,
        hours=Hours(options.clock, options.deadline, windows),
        history=history,
    )
    return run.go()
