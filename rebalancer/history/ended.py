"""How a plan ended, by its journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rebalancer.execute import StepState
from rebalancer.execute.journal.entries import SEEN_LATER, Entry, Looked, Resolved, RunBegan, RunEnded
from rebalancer.history.outcome import LeftStep, PlanOutcome
from rebalancer.plan import Plan, Step

KILLED = "the run ended without a word: it was killed, or is still under way"


def outcome_by(plan: Plan, entries: Sequence[Entry]) -> PlanOutcome:
    """What the *entries* of its journal tell of *plan*; nothing done where there are none."""
    last = {each.step: each for each in entries if isinstance(each, Looked | Resolved)}
    done = tuple(step.id for step in plan.steps if step.id in last and last[step.id].state is StepState.MOVED)
    left = [step for step in plan.steps if step.id not in done]
    turns = (each for each in reversed(entries) if isinstance(each, RunBegan | RunEnded))
    end = next(turns, None)
    words = "" if end is None else end.words if isinstance(end, RunEnded) else KILLED
    return PlanOutcome(
        plan=plan.digest,
        ended_at=_ended_at(entries),
        words=words,
        done=done,
        left=tuple(_left(each, last.get(each.id)) for each in left),
    )


def _ended_at(entries: Sequence[Entry]) -> datetime | None:
    """When the last entry was written by a run, not by whoever looked at what it left."""
    own = (each.at for each in reversed(entries) if not (isinstance(each, Looked) and each.words in SEEN_LATER))
    return next(own, None)


def _left(step: Step, last: Looked | Resolved | None) -> LeftStep:
    never = LeftStep(step=step.id, vm=step.vm, vm_name=step.vm_name, state=StepState.WAITING.value)
    if last is None:
        return never
    return replace(never, state=last.state.value, words=last.words if isinstance(last, Looked) else last.reason)
