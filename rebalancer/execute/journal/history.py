"""What a journal says of each step: its last state, its task, and which steps it knows as done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rebalancer.errors import InputError
from rebalancer.execute.journal.entries import Entry, Intended, Looked, Noticed, Resolved, RunBegan, RunEnded, Sent
from rebalancer.execute.journal.journal import read_journal
from rebalancer.execute.journal.outcome import UNSETTLED, StepState, may_follow
from rebalancer.plan import Plan

_AT_HOME = frozenset({StepState.UNSENT, StepState.REFUSED, StepState.STAYED})
"""States that leave a VM where it was."""

_NEVER_TAKEN = frozenset({StepState.WAITING, StepState.UNSENT, StepState.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepHistory:
    """What is written of a step. `task` is that of the last call, None where no answer to it is known.

    `intended` is what was written right before that call; None where none was ever about to be sent.
    """

    state: StepState = StepState.WAITING
    task: str | None = None
    intended: Intended | None = None

    @property
    def was_taken(self) -> bool:
        """Whether XAPI may ever have taken a call for the step."""
        return self.task is not None or self.state not in _NEVER_TAKEN

    @property
    def unsettled(self) -> bool:
        """Whether a call may be under way that nobody watches."""
        return self.state in UNSETTLED


def was_begun(path: Path) -> bool:
    """Whether the journal at *path* tells of any step: then the plan can be resumed, and not executed.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> rb.execute.was_begun(rb.execute.journal_path(plan.digest))
        False

    Raises:
        InputError: the file is no journal, or was edited.
    """
    return bool(histories(path, read_journal(path)))


def is_settled(path: Path) -> bool:
    """Whether no call may be under way, by the journal at *path*; errors are those of `was_begun`.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> rb.execute.is_settled(rb.execute.journal_path(plan.digest))
        True
    """
    return not any(each.unsettled for each in histories(path, read_journal(path)).values())


def entries_for(plan: Plan, path: Path) -> tuple[Entry, ...]:
    """All entries of the journal at *path*, which is that of *plan*; none if there is no such file.

    Raises:
        InputError: the file is no journal, was edited, or belongs to another plan.
    """
    entries = read_journal(path)
    began = [entry for entry in entries if isinstance(entry, RunBegan)]
    if any((entry.plan, entry.pool) != (plan.digest, plan.made_from.pool) for entry in began):
        raise InputError(str(path), "it is the journal of another plan", "Name the plan that it was written for")
    return entries


def run_of(entries: Iterable[Entry]) -> str:
    """The id that the pool knows the run by, the same each time it is taken up; "" where nothing is written of it."""
    return next((entry.run for entry in entries if isinstance(entry, RunBegan) and entry.run), "")


def histories(path: Path, entries: Iterable[Entry]) -> dict[str, StepHistory]:
    """The history of each step in *entries*; steps that are not named were never begun.

    Raises:
        InputError: an entry follows one that it cannot follow.
    """
    found: dict[str, StepHistory] = {}
    for entry in entries:
        if isinstance(entry, RunBegan | Noticed | RunEnded):
            continue
        before = found.get(entry.step, StepHistory())
        after = _next(before, entry)
        if not may_follow(before.state, after.state):
            problem = f"step {entry.step} cannot be {after.state} after it was {before.state}"
            raise InputError(str(path), problem, "The journal was edited: look at the pool, then make a new plan")
        found[entry.step] = after
    return found


def done_since(plan: Plan, journal: Path, looked_at: datetime) -> frozenset[str]:
    """Ids of the steps of *plan* that were done after *looked_at*, by its *journal*; none where there is none.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> rb.execute.done_since(plan, rb.execute.journal_path(plan.digest), plan.made_at)
        frozenset()

    Args:
        plan: whose journal it is.
        journal: the file.
        looked_at: when the pool was read; what happened before, the pool itself shows.

    Raises:
        InputError: it is the journal of another plan, or leaves open what became of a step after *looked_at*.
    """
    entries = entries_for(plan, journal)
    told_at = {entry.step: entry.at for entry in entries if isinstance(entry, Intended | Sent | Looked | Resolved)}
    found = histories(journal, entries)
    later = {step: found[step].state for step, at in told_at.items() if at > looked_at}
    lost = sorted(step for step, state in later.items() if state not in {StepState.MOVED, *_AT_HOME})
    if lost:
        problem = f"it does not tell what became of {', '.join(lost)} after {looked_at:%Y-%m-%d %H:%M %Z}"
        raise InputError(str(journal), problem, "Name the pool's URL, or a snapshot that was taken since")
    return frozenset(step for step, state in later.items() if state is StepState.MOVED)


def _next(before: StepHistory, entry: Intended | Sent | Looked | Resolved) -> StepHistory:
    match entry:
        case Intended():
            return StepHistory(state=StepState.INTENDED, intended=entry)
        case Sent():
            return replace(before, state=StepState.SENT, task=entry.task)
        case Looked() | Resolved():
            return replace(before, state=entry.state)
