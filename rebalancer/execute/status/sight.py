"""A run as it can be seen from outside: by its plan, its journal, its notes, and whether a process holds the locks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from rebalancer.execute.journal.entries import Entry, Intended, Looked, RunBegan, RunEnded
from rebalancer.execute.journal.history import StepHistory, histories
from rebalancer.execute.journal.outcome import UNSETTLED, StepState
from rebalancer.execute.judge.advice import what_happened
from rebalancer.execute.status.forecast import RunForecast, UnderWay, forecast, pace_of
from rebalancer.execute.status.notes import Notes
from rebalancer.execute.status.run_status import RunState, RunStatus, StepStage, StepStatus
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What can be seen of a plan's runs: everything that `status_of` goes by.

    Args:
        plan: the plan; None where it is not at hand.
        journal: the file.
        entries: what stands in it, none where no run has begun.
        notes: what the newest run tells of itself.
        written: whether a process holds the lock of the journal: then it is its run.
        locked: whether one holds the lock of the pool.
        now: the moment.
    """

    plan: Plan | None
    journal: Path
    entries: Sequence[Entry]
    notes: Notes | None
    written: bool
    locked: bool
    now: datetime
    told: Mapping[str, StepHistory] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "told", histories(self.journal, self.entries))

    @property
    def state(self) -> RunState:
        """Whether a run is under way."""
        if not self.entries:
            return RunState.UNBEGUN
        if self.end:
            return RunState.ENDED
        return RunState.RUNNING if self.written else RunState.KILLED

    @property
    def end(self) -> RunEnded | None:
        """How the newest run ended; None where it did not. What is said of it later changes nothing."""
        turns = (each for each in reversed(self.entries) if isinstance(each, RunBegan | RunEnded))
        return last if isinstance(last := next(turns, None), RunEnded) else None

    @property
    def began(self) -> RunBegan | None:
        """The newest run."""
        return next((each for each in reversed(self.entries) if isinstance(each, RunBegan)), None)

    def current(self) -> Notes | None:
        """The notes, if they are of the newest run, and not of one before it that was killed."""
        began = self.began
        return self.notes if self.notes and began and self.notes.at >= began.at else None


def status_of(seen: Sight) -> RunStatus:
    """The status of what is *seen*.

    Raises:
        InputError: the journal was edited.
    """
    began, notes, plan = seen.began, seen.current(), seen.plan
    expected = _expected(seen) if seen.state is RunState.RUNNING else None
    signs = [each.at for each in seen.entries[-1:]] + ([notes.at] if notes else [])
    pool = plan.made_from.pool if plan else began.pool if began else ""
    return RunStatus(
        state=seen.state,
        plan=plan.digest if plan else began.plan if began else "",
        pool=pool,
        pool_name=plan.made_from.called if plan else pool,
        timezone=plan.policy.timezone if plan else "UTC",
        journal=seen.journal,
        notes=notes,
        began_at=began.at if began else None,
        last_at=max(signs, default=None),
        ends_at=seen.now + timedelta(seconds=expected.seconds) if expected and expected.ends else None,
        words=_words(seen),
        locked=seen.locked,
        steps=tuple(_steps(seen, expected)),
    )


def _words(seen: Sight) -> str:
    notes = seen.current()
    if seen.end:
        return seen.end.words
    return notes.stopping if notes and seen.state is RunState.RUNNING else ""


def _expected(seen: Sight) -> RunForecast | None:
    """When steps will be done; None where the plan is not at hand. Once nothing more is started, the rest is held."""
    notes, plan = seen.current(), seen.plan
    if plan is None:
        return None
    ways = {
        step: UnderWay(elapsed=_elapsed(seen, step), share=notes.progress.get(step, 0.0) if notes else 0.0)
        for step, history in seen.told.items()
        if history.state in {StepState.INTENDED, StepState.SENT}
    }
    done = {step for step, history in seen.told.items() if history.state is StepState.MOVED}
    failed = {step for step, history in seen.told.items() if history.state is not StepState.MOVED} - ways.keys()
    held = {*failed, *(notes.waits if notes else ())} - ways.keys()
    if notes and notes.stopping:
        held = {step.id for step in plan.steps} - ways.keys() - done
    return forecast(plan, done=done, under_way=ways, held=held, pace=pace_of(_took(seen.entries), plan))


def _elapsed(seen: Sight, step: str) -> float:
    intended = [each.at for each in seen.entries if isinstance(each, Intended) and each.step == step]
    return max(0.0, (seen.now - intended[-1]).total_seconds()) if intended else 0.0


def _took(entries: Sequence[Entry]) -> dict[str, float]:
    """How long each step took that moved, from the line before its call to the look after it."""
    began: dict[str, datetime] = {}
    took: dict[str, float] = {}
    for entry in entries:
        if isinstance(entry, Intended):
            began[entry.step] = entry.at
        elif isinstance(entry, Looked) and entry.state is StepState.MOVED and entry.step in began:
            took[entry.step] = max(0.0, (entry.at - began[entry.step]).total_seconds())
    return took


def _steps(seen: Sight, expected: RunForecast | None) -> Iterator[StepStatus]:
    took = _took(seen.entries)
    looked = {each.step: each for each in seen.entries if isinstance(each, Looked)}
    for name in _named(seen):
        step, stage = name.step, _stage(seen, name.id)
        seconds = took.get(name.id) if stage is StepStage.DONE else None
        seconds = _elapsed(seen, name.id) if stage is StepStage.UNDER_WAY else seconds
        ends = expected.ends.get(name.id) if expected and stage in {StepStage.UNDER_WAY, StepStage.LEFT} else None
        yield StepStatus(
            id=name.id,
            vm=name.vm,
            vm_name=step.vm_name if step else name.vm,
            source_name=step.source_name if step else name.source,
            target_name=step.target_name if step else name.target,
            stage=stage,
            state=seen.told.get(name.id, StepHistory()).state,
            progress=_progress(seen, name.id) if stage is StepStage.UNDER_WAY else None,
            seconds=seconds,
            ends_at=None if ends is None else seen.now + timedelta(seconds=ends),
            words=_waits_for(seen, name, stage, looked.get(name.id)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    id: str
    vm: Uuid
    source: Uuid
    target: Uuid
    step: Step | None = None


def _named(seen: Sight) -> Iterator[_Named]:
    """The steps by what is known of them: of the plan, or where that is not at hand, of the journal."""
    if seen.plan:
        for step in seen.plan.steps:
            yield _Named(id=step.id, vm=step.vm, source=step.source, target=step.target, step=step)
        return
    calls = {each.step: each for each in seen.entries if isinstance(each, Intended)}
    for call in calls.values():
        yield _Named(id=call.step, vm=call.vm, source=call.source, target=call.target)


def _stage(seen: Sight, step: str) -> StepStage:
    state, notes = seen.told.get(step, StepHistory()).state, seen.current()
    if state is StepState.MOVED:
        return StepStage.DONE
    if seen.state is not RunState.RUNNING:
        if state in UNSETTLED:
            return StepStage.UNSETTLED
        return StepStage.LEFT if state is StepState.WAITING else StepStage.FAILED
    if state in {StepState.INTENDED, StepState.SENT}:
        return StepStage.UNDER_WAY
    if notes and step in notes.waits:
        return StepStage.HELD
    return StepStage.LEFT if state is StepState.WAITING else StepStage.FAILED


def _progress(seen: Sight, step: str) -> float | None:
    notes = seen.current()
    return notes.progress.get(step) if notes else None


def _waits_for(seen: Sight, name: _Named, stage: StepStage, looked: Looked | None) -> str:
    notes = seen.current()
    if stage is StepStage.HELD and notes:
        return notes.waits[name.id]
    if stage is StepStage.UNSETTLED:
        return "nobody watched what became of its call"
    if stage is StepStage.FAILED and looked:
        return what_happened(name.step, looked) if name.step else looked.words or " ".join(looked.error)
    if stage is StepStage.LEFT and name.step:
        left = [each for each in name.step.after if seen.told.get(each, StepHistory()).state is not StepState.MOVED]
        return f"waits for {', '.join(left)}" if left else ""
    return ""
