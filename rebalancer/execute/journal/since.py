"""What the journal of a plan tells of steps that were done after the pool was looked at."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rebalancer.errors import InputError
from rebalancer.execute.journal.history import entries_for, histories
from rebalancer.execute.journal.journal import Intended, Looked, Sent
from rebalancer.execute.judge.outcome import StepState
from rebalancer.plan import Plan

_AT_HOME = frozenset({StepState.UNSENT, StepState.REFUSED, StepState.STAYED})
"""States that leave a VM where it was."""


def done_since(plan: Plan, journal: Path, looked_at: datetime) -> frozenset[str]:
    """Ids of the steps of *plan* that were done after *looked_at*, by its *journal*; none where there is none.

    Args:
        plan: whose journal it is.
        journal: the file.
        looked_at: when the pool was read; what happened before, the pool itself shows.

    Raises:
        InputError: it is the journal of another plan, or leaves open what became of a step after *looked_at*.
    """
    entries = entries_for(plan, journal)
    told_at = {entry.step: entry.at for entry in entries if isinstance(entry, Intended | Sent | Looked)}
    found = histories(journal, entries)
    later = {step: found[step].state for step, at in told_at.items() if at > looked_at}
    lost = sorted(step for step, state in later.items() if state not in {StepState.MOVED, *_AT_HOME})
    if lost:
        problem = f"it does not tell what became of {', '.join(lost)} after {looked_at:%Y-%m-%d %H:%M %Z}"
        raise InputError(str(journal), problem, "Name the pool's URL, or a snapshot that was taken since")
    return frozenset(step for step, state in later.items() if state is StepState.MOVED)
