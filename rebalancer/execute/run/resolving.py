"""What a person says of a step that no evidence settles: checked against the pool, or against common sense."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError, RefusedByXapi
from rebalancer.execute.claim.pool_claim import MOTIONS
from rebalancer.execute.journal.entries import Resolved
from rebalancer.execute.journal.history import StepHistory, entries_for, histories
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.lock import pool_locks
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.judge.fitness import assert_same_pool, assert_sealed
from rebalancer.execute.live import Live
from rebalancer.execute.options import RunOptions
from rebalancer.execute.run.guard import Guard, guard_of
from rebalancer.execute.run.observation import is_busy, observed
from rebalancer.execute.run.watch import Watch
from rebalancer.plan import Plan, Step
from rebalancer.plan.progress import left_behind

LONGEST_QUEUE: Final = timedelta(hours=2)
"""How long XAPI lets a call wait behind its VM (XAPI.md 4.4)."""
LOOK: Final = "Look at the VM once more: what a person says has to fit"


class Seen(Enum):
    """What a person saw of a step."""

    NOT_SENT = StepState.UNSENT
    MOVED = StepState.MOVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """Who says what of which step, and why."""

    step: str
    seen: Seen
    by: str
    reason: str


def resolve_step(plan: Plan, said: Saying, options: RunOptions, live: Live | None = None) -> Resolved:
    """Write to the journal of *plan* what a person says of a step whose outcome it leaves open.

    With *live* the pool has to show nothing else, and no other run may hold its lock. Without it, that a call was never
    sent can be said once it is older than XAPI lets one wait.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> said = rb.execute.Saying(step="s01", seen=rb.execute.Seen.MOVED, by="ann", reason="it runs on birch")
        >>> options = rb.execute.RunOptions(journal=rb.execute.journal_path(plan.digest))
        >>> try:
        ...     rb.execute.resolve_step(plan, said, options)
        ... except rb.errors.InputError as error:
        ...     print(str(error).partition(": by")[0])
        step s01: nothing is open

    Raises:
        IllegalPlan: the plan was edited.
        StalePlan: the pool is another one.
        PoolLocked: a run is going on.
        InputError: there is no such step, its outcome is known, or the pool or common sense speak against it.
        XapiError: the pool cannot be asked.
    """
    assert_sealed(plan)
    with pool_locks(plan.made_from.pool_names, options.state_dir):
        entries = entries_for(plan, options.journal)
        step = _step(plan, said.step)
        history = histories(options.journal, entries).get(step.id, StepHistory())
        _assert_open(step, history, said, options.journal)
        if live is None:
            _assert_sensible(step, history, said, options.clock.now())
            return _written(said, options)
        watch = Watch(live=live, clock=options.clock, stop=options.stop, timeouts=options.timeouts)
        assert_same_pool(plan, watch.keep_asking(live.read))
        with _locked(guard_of(plan, watch, options, entries)) as guard:
            _assert_shown(step, said, watch, guard)
            resolved = _written(said, options)
            guard.fences.lower_of_same(step, watch.look(step.vm).marks)
        return resolved


def _step(plan: Plan, wanted: str) -> Step:
    found = next((step for step in plan.steps if step.id == wanted), None)
    if found is None:
        raise InputError(f"step {wanted}", "the plan has no such step", "Look at `rebalancer show`")
    return found


def _assert_open(step: Step, history: StepHistory, said: Saying, journal: Path) -> None:
    """Pass where the *journal* leaves open what became of *step*."""
    if history.intended is None:
        problem = f"nothing is open: by {journal} it was never begun"
        raise InputError(f"step {step.id}", problem, "Name the journal, or the state folder, of the run that began it")
    if not history.unsettled:
        problem = f"nothing is open: by {journal} it is {history.state}"
        raise InputError(f"step {step.id}", problem, "Apply the plan to resume")
    if said.seen is Seen.NOT_SENT and history.task is not None:
        problem = f"it was sent: XAPI has taken the call as task {history.task}"
        raise InputError(f"step {step.id}", problem, "Apply the plan again: it looks what became of that task")


def _assert_sensible(step: Step, history: StepHistory, said: Saying, now: datetime) -> None:
    if said.seen is Seen.MOVED or (history.intended and now - history.intended.at >= LONGEST_QUEUE):
        return
    problem = "the call may still come: XAPI lets one wait for two hours, and they are not over"
    raise InputError(f"step {step.id}", problem, "Name the pool's URL, so that its tasks are looked at, or wait")


@contextmanager
def _locked(guard: Guard) -> Iterator[Guard]:
    """Hold the locks in the pools, so that nobody goes on with the plan meanwhile."""
    guard.claim.take(break_lock=guard.break_lock)
    try:
        yield guard
    finally:
        guard.claim.release()


def _assert_shown(step: Step, said: Saying, watch: Watch, guard: Guard) -> None:
    """Pass where the pool shows what *said* says, and nothing that could change it."""
    try:
        where = watch.look(step.vm)
    except RefusedByXapi as error:
        raise InputError(f"step {step.id}", error.problem, LOOK) from error
    state = observed(step.migration, where).state
    wanted = StepState.STAYED if said.seen is Seen.NOT_SENT else StepState.MOVED
    tasks = watch.keep_asking(watch.live.marks.tasks)
    if state is not wanted:
        told = where.note or f"the pool shows VM {step.vm_name} {where.power_state.lower()}"
        raise InputError(f"step {step.id}", f"{told}, on host {where.resident_on}", LOOK)
    if is_busy(where):
        raise InputError(f"step {step.id}", f"VM {step.vm_name} is busy: {', '.join(where.operations)}", LOOK)
    if pending := [each.ref for each in tasks if each.pending and each.call in MOTIONS and each.ref not in guard.tasks]:
        raise InputError(f"step {step.id}", f"task {pending[0]} of the pool may be its call", "Wait for it to end")
    if left := [*left_behind(step, watch.keep_asking(watch.live.read))] if wanted is StepState.MOVED else []:
        raise InputError(f"step {step.id}", "; ".join(left), LOOK)


def _written(said: Saying, options: RunOptions) -> Resolved:
    resolved = Resolved(at=options.clock.now(), step=said.step, state=said.seen.value, by=said.by, reason=said.reason)
    with Journal(options.journal) as journal:
        journal.append(resolved)
    return resolved
