"""The two ways into a run: from the start of a plan, and from where a journal ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from rebalancer.errors import InputError
from rebalancer.execute.clock import Clock
from rebalancer.execute.journal.history import StepHistory, entries_for, histories
from rebalancer.execute.journal.lock import pool_locks
from rebalancer.execute.live import Live
from rebalancer.execute.patience import Patience
from rebalancer.execute.reporter import RunReporter
from rebalancer.execute.result import Ending, RunResult
from rebalancer.execute.run.hours import Hours
from rebalancer.execute.run.run import Run
from rebalancer.execute.run.stop import StopSignal
from rebalancer.execute.run.watch import Watch
from rebalancer.plan import Plan
from rebalancer.policy import ChangeWindows, change_windows


def execute(
    plan: Plan,
    live: Live,
    *,
    journal: Path,
    state_dir: Path | None = None,
    deadline: datetime | None = None,
    windows: ChangeWindows | None = None,
    reporter: RunReporter | None = None,
    clock: Clock | None = None,
    stop: StopSignal | None = None,
    patience: Patience | None = None,
) -> RunResult:
    """Carry out *plan* on *live*, and tell *journal* before and after every call.

    Args:
        plan: as it was made or read back.
        live: the pool.
        journal: a file that tells of no step yet; it is made if it does not exist.
        state_dir: where the lock is, see `state_folder`.
        deadline: no step is started that would end later, by its estimate.
        windows: likewise, when steps may run; by default the change windows of the plan's policy.
        reporter: hears of everything.
        clock: time.
        stop: asked once, nothing more is started; asked twice, the running migration is cancelled.
        patience: how long to wait for what.

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
    with pool_locks(plan.made_from.pool_names, state_dir):
        if _history(plan, journal):
            raise InputError(str(journal), "this plan was begun already", "Resume it, or make a new plan")
        watch = _watch(live, clock, stop, patience)
        hours = _hours(plan, watch, deadline, windows)
        return Run(plan=plan, watch=watch, path=journal, reporter=reporter or RunReporter(), hours=hours).go()


def resume(
    plan: Plan,
    live: Live,
    *,
    journal: Path,
    state_dir: Path | None = None,
    deadline: datetime | None = None,
    windows: ChangeWindows | None = None,
    reporter: RunReporter | None = None,
    clock: Clock | None = None,
    stop: StopSignal | None = None,
    patience: Patience | None = None,
) -> RunResult:
    """Go on with *plan* where the run that wrote *journal* ended, however it ended.

    A call that may be under way is never sent again: the pool is watched until it shows what became of it. A plan whose
    run never began is executed from its start. Arguments and errors are those of `execute`.
    """
    with pool_locks(plan.made_from.pool_names, state_dir):
        history = _history(plan, journal)
        watch = _watch(live, clock, stop, patience)
        run = Run(
            plan=plan,
            watch=watch,
            path=journal,
            reporter=reporter or RunReporter(),
            hours=_hours(plan, watch, deadline, windows),
            history=history,
        )
        return run.go()


def _watch(live: Live, clock: Clock | None, stop: StopSignal | None, patience: Patience | None) -> Watch:
    """The watch with what was handed in, and the defaults for the rest."""
    return Watch(live=live, clock=clock or Clock(), stop=stop or StopSignal(), patience=patience or Patience())


def _hours(plan: Plan, watch: Watch, deadline: datetime | None, windows: ChangeWindows | None) -> Hours:
    """The hours of a run of *plan* that begins now."""
    return Hours(watch.clock, deadline, change_windows(plan.policy) if windows is None else windows)


def _history(plan: Plan, journal: Path) -> Mapping[str, StepHistory]:
    """What *journal* says of the steps of *plan*."""
    return histories(journal, entries_for(plan, journal))
