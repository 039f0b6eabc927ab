"""What can be seen of a run from outside, by its files alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import InputError, StoppedHalfWay
from rebalancer.execute import (
    Noting,
    PlanOrigin,
    RunReporter,
    RunState,
    RunStatus,
    StepStage,
    execute,
    pool_lock,
    resume,
    run_of,
    runs_in,
)
from rebalancer.execute.journal.entries import Noticed
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.status import notes as notes_of
from rebalancer.execute.status.notes import copy_path, notes_path
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from tests.execute.case import Case
from tests.execute.killing import Killed
from tests.execute.scripted import Script, ScriptedPool

ORIGIN = PlanOrigin(folder="/plans/tonight", resume="rebalancer apply tonight https://h1")


def noting(case: Case, to: RunReporter | None = None) -> None:
    """Let the runs of *case* leave notes."""
    reporter = Noting(
        to or RunReporter(),
        journal=case.journal,
        state_dir=case.options.state_dir,
        clock=case.clock,
        origin=ORIGIN,
    )
    case.options = replace(case.options, reporter=reporter)


def seen(case: Case, plan: Plan) -> RunStatus:
    """The run of *plan*, as it is now."""
    return run_of(plan, case.clock.now(), case.options.state_dir)


def at_call(live: ScriptedPool, name: str, then: Callable[[], Any], *, skip: int = 0) -> None:
    """Do *then* at a call, after the first *skip* of its name."""
    left = [skip]

    def hear(call: str) -> None:
        if call == name:
            left[0] -= 1
            if left[0] == -1:
                then()

    live.before_each = hear


def stages(run: RunStatus) -> list[StepStage]:
    """Of each step."""
    return [step.stage for step in run.steps]


def test_a_plan_that_was_never_begun(case: Case, plan: Plan) -> None:
    """No journal, no lock: it says so, and knows no time."""
    run = seen(case, plan)
    assert (run.state, run.began_at, run.ends_at, set(stages(run))) == (RunState.UNBEGUN, None, None, {StepStage.LEFT})
    assert runs_in(case.clock.now(), case.options.state_dir) == ()


def test_a_run_that_is_under_way(case: Case, plan: Plan, pool: Pool) -> None:
    """Who runs it since when, how far its steps are, what the others wait for, and when all will be done."""
    noting(case)
    live, found = ScriptedPool(pool, b=Script(polls=6)), list[RunStatus]()
    at_call(live, "task", lambda: found.append(seen(case, plan)), skip=8)
    execute(plan, live, case.options)
    (run,) = found
    assert (run.state, run.pool_name, run.locked) == (RunState.RUNNING, plan.made_from.called, True)
    assert run.notes
    assert run.notes.origin == ORIGIN
    assert run.notes.user
    assert run.notes.process.isdecimal()
    assert StepStage.UNDER_WAY in stages(run)
    under_way = next(step for step in run.steps if step.stage is StepStage.UNDER_WAY)
    assert under_way.progress
    assert under_way.seconds is not None
    assert run.ends_at
    assert all(step.words == f"waits for {', '.join(_left(plan, run, step.id))}" for step in run.steps if step.words)


def _left(plan: Plan, run: RunStatus, step: str) -> list[str]:
    done = {each.id for each in run.steps if each.stage is StepStage.DONE}
    return [each for each in next(one for one in plan.steps if one.id == step).after if each not in done]


def test_a_run_that_has_ended(case: Case, plan: Plan, pool: Pool) -> None:
    """All is done, how long each took, in the words of the journal; without a plan in hand, by the copy of it."""
    noting(case)
    execute(plan, ScriptedPool(pool), case.options)
    run = seen(case, plan)
    assert (run.state, run.words, run.locked) == (RunState.ENDED, "steps done: 3; all steps are done", False)
    assert [(step.stage, step.seconds is not None) for step in run.steps] == [(StepStage.DONE, True)] * 3
    assert (run.ends_at, run.resume) == (None, "")
    assert runs_in(case.clock.now(), case.options.state_dir) == (run,)


def test_what_is_written_after_the_end_begins_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """A remark, or what a person says of a step, makes no run of one that has ended."""
    execute(plan, ScriptedPool(pool), case.options)
    with Journal(case.journal) as journal:
        journal.append(Noticed(at=case.clock.now(), step="", words="something"))
    shown = _notes(case, plan)
    assert (shown.state, shown.words) == (RunState.ENDED, "steps done: 3; all steps are done")


def _notes(case: Case, plan: Plan) -> RunStatus:
    """The run of *plan*, whose notes say where its journal is."""
    now = case.clock.now()
    notes_of.write_notes(
        notes_of.Notes(plan=plan.digest, journal=str(case.journal), began_at=now, at=now), case.options.state_dir
    )
    return seen(case, plan)


def test_a_run_that_was_killed(case: Case, plan: Plan, pool: Pool) -> None:
    """No process holds the lock: it says where it stood, and what to type."""
    noting(case)
    live = ScriptedPool(pool)

    def die() -> None:
        raise Killed

    at_call(live, "task", die)
    with pytest.raises(Killed):
        execute(plan, live, case.options)
    run = seen(case, plan)
    assert (run.state, run.ends_at, run.resume) == (RunState.KILLED, None, ORIGIN.resume)
    assert StepStage.UNSETTLED in stages(run)
    assert StepStage.UNDER_WAY not in stages(run)
    with pool_lock(plan.made_from.pool, case.options.state_dir):
        assert seen(case, plan).locked
        assert seen(case, plan).state is RunState.KILLED
    live.before_each = lambda _call: None
    assert resume(plan, live, case.options).complete
    assert seen(case, plan).state is RunState.ENDED


def test_what_a_step_waits_for(case: Case, plan: Plan, pool: Pool) -> None:
    """The pool's own words for a VM that is blocked; when it will be done, nobody can tell."""
    noting(case)
    live, found = ScriptedPool(pool), list[RunStatus]()
    live.change("b", blocked_operations={"pool_migrate": "Backup in progress"})
    at_call(live, "forget", lambda: found.append(seen(case, plan)), skip=1)
    execute(plan, live, case.options)
    held = [step for step in found[0].steps if step.stage is StepStage.HELD]
    assert [(step.vm, "Backup in progress" in step.words, step.ends_at) for step in held] == [("b", True, None)]


def test_why_a_step_failed(case: Case, plan: Plan, pool: Pool) -> None:
    """In the words of the run; the way on is told."""
    noting(case)
    with pytest.raises(StoppedHalfWay):
        execute(plan, ScriptedPool(pool, a=Script(lands=None)), case.options)
    run = seen(case, plan)
    failed = next(step for step in run.steps if step.stage is StepStage.FAILED)
    assert (run.state, run.resume) == (RunState.ENDED, ORIGIN.resume)
    assert "the VM is halted" in failed.words


def test_without_notes_the_journal_tells(case: Case, plan: Plan, pool: Pool) -> None:
    """As of versions that left none: states, times and the end; without the plan, uuids stand for names."""
    execute(plan, ScriptedPool(pool), case.options)
    journals = case.options.state_dir
    assert journals
    (journals / "journals").mkdir()
    case.journal.rename(journals / "journals" / f"{plan.digest.removeprefix('sha256:')}.jsonl")
    run = seen(case, plan)
    assert (run.state, run.notes, stages(run)) == (RunState.ENDED, None, [StepStage.DONE] * 3)
    (bare,) = runs_in(case.clock.now(), journals)
    assert [(step.vm_name, step.stage) for step in bare.steps] == [(name, StepStage.DONE) for name in "abc"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": "rebalancer-run/1"}', '{"format": "other/1"}', "\0" * 9])
def test_notes_that_cannot_be_used_tell_nothing(case: Case, plan: Plan, pool: Pool, text: str) -> None:
    """Cut, of another format, or something else: the journal tells all the same."""
    noting(case)
    execute(plan, ScriptedPool(pool), case.options)
    notes_path(plan.digest, case.options.state_dir).write_text(text, encoding="utf-8")
    copy_path(plan.digest, case.options.state_dir).write_text(text, encoding="utf-8")
    assert notes_of.read_notes(plan.digest, case.options.state_dir) is None


def test_a_run_goes_on_without_notes(case: Case, plan: Plan, pool: Pool) -> None:
    """Where they cannot be written, only those who look from outside miss anything."""
    noting(case)
    folder = case.options.state_dir
    assert folder
    folder.mkdir(mode=0o700)
    (folder / "runs").write_text("in the way", encoding="utf-8")
    assert execute(plan, ScriptedPool(pool), case.options).complete
    assert notes_of.read_notes(plan.digest, folder) is None


def test_progress_is_written_every_few_seconds(
    case: Case, plan: Plan, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at every look: a migration of ten minutes takes no ten notes a second."""
    written = list[datetime]()
    write = notes_of.keep

    def keep(path: Path, text: str) -> None:
        written.append(case.clock.now())
        write(path, text)

    monkeypatch.setattr(notes_of, "keep", keep)
    noting(case)
    case.options = replace(case.options, timeouts=replace(case.options.timeouts, poll=0.1, step=900))
    execute(plan, ScriptedPool(pool, a=Script(polls=6000)), case.options)
    assert 250 < len(written) < 400


def test_everything_is_passed_on() -> None:
    """Noting overrides every method of a reporter, so that whoever watches hears as much as without."""
    heard = {name for name in vars(RunReporter) if not name.startswith("_")}
    assert heard <= set(vars(Noting))


def test_a_status_is_plain_values(case: Case, plan: Plan, pool: Pool) -> None:
    """For programs."""
    noting(case)
    execute(plan, ScriptedPool(pool), case.options)
    document = json.loads(json.dumps(seen(case, plan).as_json()))
    assert (document["state"], document["folder"], len(document["steps"])) == ("ended", ORIGIN.folder, 3)


def test_a_journal_that_was_edited_is_told(case: Case, plan: Plan, pool: Pool) -> None:
    """Of a plan that is named it is an error; of all runs it is left out."""
    noting(case)
    execute(plan, ScriptedPool(pool), case.options)
    with case.journal.open("a", encoding="utf-8") as file:
        file.write("x\n")
    with pytest.raises(InputError, match="no journal entry"):
        seen(case, plan)
    assert runs_in(case.clock.now(), case.options.state_dir) == ()
