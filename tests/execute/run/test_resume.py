"""Runs that ended too early are taken up: nothing is sent again, and what is left is made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rebalancer.errors import (
    OutcomeUnknown,
    StalePlan,
    StoppedHalfWay,
)
from rebalancer.execute import execute, resume
from rebalancer.execute.journal.entries import Intended, RunBegan, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from rebalancer.xapi import TaskStatus
from tests.execute.case import ALL_MOVED, LOST, STEPS, Case, where
from tests.execute.scripted import MADE_AT, Script, ScriptedPool
from tests.pools import make_vm


def journal_of(case: Case, plan: Plan, *, task: str | None) -> None:
    """The journal of a run that was killed in the middle of its first step."""
    step = plan.steps[0]
    with Journal(case.journal) as journal:
        journal.append(RunBegan(at=MADE_AT, plan=plan.digest, pool=plan.made_from.pool))
        journal.append(Intended(at=MADE_AT, step=step.id, vm=step.vm, source=step.source, target=step.target))
        if task:
            journal.append(Sent(at=MADE_AT, step=step.id, task=task))


@pytest.mark.parametrize("known", [True, False])
def test_a_killed_run_is_taken_up_without_sending_again(case: Case, plan: Plan, pool: Pool, known: bool) -> None:
    """The call was taken before the kill: resume watches it to its end, and goes on with the second step."""
    live = ScriptedPool(pool, a=Script(polls=5, send=None if known else LOST, taken=True))
    try:
        task = live.migrate("a", "h2")
    except OutcomeUnknown:
        task = ""
    journal_of(case, plan, task=task if known else None)
    assert resume(plan, live, case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]
    assert case.looks == STEPS


def test_a_killed_run_whose_task_failed_says_so_and_can_go_on(case: Case, plan: Plan, pool: Pool) -> None:
    """What failed unwatched stops the first resume in words; the second tries again, as its outcome is known."""
    live = ScriptedPool(pool, a=Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "x"), lands="h1"))
    journal_of(case, plan, task=live.migrate("a", "h2"))
    with pytest.raises(StoppedHalfWay, match="INTERNAL_ERROR x"):
        resume(plan, live, case.options)
    assert live.sent == [("a", "h2")]
    assert resume(plan, live, case.options).complete
    assert where(live) == ALL_MOVED


def test_a_stopped_run_goes_on_where_it_stopped(case: Case, plan: Plan, pool: Pool) -> None:
    """After Ctrl-C, resume makes the steps that are left, and no other."""
    live = ScriptedPool(pool)
    case.stop_after_a_step(plan, live)
    assert resume(plan, live, case.options).done == ("s01", "s02", "s03")
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]


def test_a_halted_vm_that_was_started_again_moves_on_resume(case: Case, plan: Plan, pool: Pool) -> None:
    """People started it where it was: the step is made now."""
    live = ScriptedPool(pool, a=Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR",), lands=None))
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, case.options)
    live.pool = replace(live.pool, vms={**live.pool.vms, "a": make_vm("a", on="h1")})
    assert resume(plan, live, case.options).complete
    assert [state for step, state in case.looks if step == "s01"] == [
        StepState.HALTED,
        StepState.STAYED,
        StepState.MOVED,
    ]


def test_a_plan_that_was_carried_out_is_not_done_again_nor_said_to_be(case: Case, plan: Plan, pool: Pool) -> None:
    """While all are where it brought them it is complete; once one has left, it is stale, and nothing is sent."""
    live = ScriptedPool(pool)
    assert execute(plan, live, case.options).complete
    assert resume(plan, live, case.options).complete
    sent = list(live.sent)
    live.put("b", "h1")
    with pytest.raises(StalePlan, match="s02 was made, and VM b is not on h3 any more"):
        resume(plan, live, case.options)
    assert live.sent == sent


def test_a_resumed_plan_may_be_stale(case: Case, plan: Plan, pool: Pool) -> None:
    """A day later the steps that are left are not made any more."""
    live = ScriptedPool(pool)
    deadline = case.clock.now() + timedelta(seconds=plan.steps[0].seconds + 1)
    case.options = replace(case.options, deadline=deadline)
    execute(plan, live, case.options)
    case.options = replace(case.options, deadline=None)
    case.clock.sleep(timedelta(days=2).total_seconds())
    with pytest.raises(StoppedHalfWay, match="expired"):
        resume(plan, live, case.options)
    assert live.sent == [("a", "h2")]
