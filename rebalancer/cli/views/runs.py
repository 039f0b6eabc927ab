"""What people see of runs from another terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import below, table
from rebalancer.execute import RunState, RunStatus, StepStage, StepStatus, is_any_locked, state_folder
from rebalancer.units import duration_in_words

COLUMNS = {"step": "left", "VM": "name", "from": "name", "to": "name", "how far": "left", "why": "text"}
BAR = 10
"""Characters of a bar."""

LOCKED = "a process holds the lock of the pool: another run begins, or a night plans"


def run_tables(runs: Sequence[RunStatus], now: datetime, state_dir: Path | None) -> Iterator[RenderableType]:
    """Each of *runs*, as it is *now*."""
    if not runs:
        begins = "; " + LOCKED if is_any_locked(state_dir) else ""
        folder = state_folder(state_dir)
        known = f"{folder} knows none" if folder.is_dir() else f"there is no folder {folder}"
        yield f"no run is under way: {known}{begins}"
    for run in runs:
        yield from _run(run, now)


def _run(run: RunStatus, now: datetime) -> Iterator[RenderableType]:
    folder = run.notes.origin.folder if run.notes else ""
    title = heading(f"Pool {run.pool_name}: {folder or f'plan {run.plan}'}")
    yield Group(title, *(below(line) for line in _lines(run, now)))
    if run.steps:
        yield table("", COLUMNS, [_row(step, now) for step in run.steps])


def _lines(run: RunStatus, now: datetime) -> Iterator[str]:
    yield _sentence(run, now)
    if run.steps:
        yield _counts(run)
    if run.ends_at:
        left = duration_in_words((run.ends_at - now).total_seconds())
        untold = run.count(StepStage.HELD) + run.count(StepStage.FAILED)
        yield f"about {left} to go, until {_clock(run.ends_at, run)}" + (", without what is held" if untold else "")
    if run.words and run.state is RunState.RUNNING:
        yield f"starting nothing more: {run.words}"
    if run.state is RunState.KILLED or run.resume:
        yield f"to resume: {run.resume or 'apply the same plan again'}"
    if run.locked and run.state is not RunState.RUNNING:
        yield LOCKED


def _sentence(run: RunStatus, now: datetime) -> str:
    """Since when it runs and by whom, or how it ended."""
    notes = run.notes
    by = f" by {notes.user} on {notes.host} (process {notes.process})" if notes else ""
    began = f" since {_clock(run.began_at, run)}" if run.began_at else ""
    if run.state is RunState.UNBEGUN:
        return "not begun: no journal tells of a run"
    if run.state is RunState.RUNNING:
        passed = duration_in_words((now - run.began_at).total_seconds()) if run.began_at else ""
        return f"running{began} ({passed}){by}"
    seen = f", last seen at {_clock(run.last_at, run)}" if run.last_at else ""
    if run.state is RunState.KILLED:
        return f"killed: it ran{began}{by}{seen}, and no process holds the lock of its journal any more"
    ended = f" at {_clock(run.last_at, run)}" if run.last_at else ""
    return f"ended{ended}, begun{began.removeprefix(' since')}{by}: {run.words}"


def _counts(run: RunStatus) -> str:
    told = [f"{count} {stage.value}" for stage in StepStage if (count := run.count(stage))]
    return f"steps: {', '.join(told)}, of {len(run.steps)}"


def _row(step: StepStatus, now: datetime) -> tuple[str, ...]:
    return step.id, step.vm_name, step.source_name, step.target_name, _how_far(step, now), step.words


def _how_far(step: StepStatus, now: datetime) -> str:
    took = f" in {duration_in_words(step.seconds)}" if step.seconds is not None else ""
    left = duration_in_words((step.ends_at - now).total_seconds()) if step.ends_at else ""
    match step.stage:
        case StepStage.DONE:
            return f"done{took}"
        case StepStage.UNDER_WAY:
            share = step.progress or 0.0
            return f"{bar(share)} {share:4.0%}" + (f", {left} left" if left else "")
        case StepStage.LEFT:
            return f"left, {left} to go" if left else "left"
        case StepStage.FAILED:
            return str(step.state)
        case _:
            return str(step.stage)


def bar(share: float) -> str:
    """How far something is, in BAR characters."""
    full = round(BAR * share)
    return "=" * full + "-" * (BAR - full)


def _clock(moment: datetime, run: RunStatus) -> str:
    return f"{moment.astimezone(ZoneInfo(run.timezone)):%Y-%m-%d %H:%M:%S} {run.timezone}"
