"""How a step can end: every ending is told apart, tried once more where that helps, and nothing is sent twice."""

from __future__ import annotations

import pytest

from rebalancer.errors import (
    RefusedByXapi,
    StoppedHalfWay,
)
from rebalancer.execute import execute
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from rebalancer.xapi import TaskStatus
from tests.execute.case import ALL_MOVED, TIMEOUTS, Case, where
from tests.execute.outcomes import LAGGING, MOVED_ALL_THE_SAME, OUTCOMES, PASSING
from tests.execute.scripted import Script, ScriptedPool


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_step_that_does_not_end_well_stops_the_run(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """Each bad end is told apart, sent once, written down, and nothing after it is started."""
    script, state, words = OUTCOMES[name]
    live = ScriptedPool(pool, b=script)
    with pytest.raises(StoppedHalfWay) as stopped:
        execute(plan, live, case.options)
    assert words in stopped.value.reason
    assert (stopped.value.done, stopped.value.left, stopped.value.journal) == (1, 1, str(case.journal))
    assert live.sent == [("a", "h2"), ("b", "h3")]
    assert case.looks == [("s01", StepState.MOVED), ("s02", state)]


@pytest.mark.parametrize("name", MOVED_ALL_THE_SAME)
def test_the_pool_is_believed_before_the_task(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """Whatever became of the task: a VM that runs on its target has moved, and the run goes on."""
    live = ScriptedPool(pool, b=MOVED_ALL_THE_SAME[name])
    assert execute(plan, live, case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_refusal_is_tried_once_more(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """A VM that stayed, for a reason that passes, gets a second chance after a pause."""
    live = ScriptedPool(pool, b=PASSING[name])
    assert execute(plan, live, case.options).complete
    assert where(live) == ALL_MOVED
    assert case.clock.seconds >= TIMEOUTS.retry


@pytest.mark.parametrize("name", PASSING)
def test_a_second_refusal_stops_the_run(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """There is no third chance."""
    live = ScriptedPool(pool, b=[PASSING[name], PASSING[name]])
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, case.options)
    assert len([vm for vm, _ in live.sent if vm == "b"]) <= 2
    assert where(live) == {"a": "h2", "b": "h1", "c": "h1"}


def test_a_vm_that_halted_is_never_tried_again(case: Case, plan: Plan, pool: Pool) -> None:
    """A passing code does not matter once the VM is not where it was."""
    live = ScriptedPool(pool, b=Script(status=TaskStatus.FAILURE, error=("VMS_FAILED_TO_COOPERATE",), lands=None))
    with pytest.raises(StoppedHalfWay, match="halted"):
        execute(plan, live, case.options)
    assert live.sent == [("a", "h2"), ("b", "h3")]
    assert case.looks == [("s01", StepState.MOVED), ("s02", StepState.HALTED)]


@pytest.mark.parametrize("name", LAGGING)
def test_a_database_that_lags_is_given_time(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """The VM shows up on its target seconds after its migration seemed to be over: it has moved."""
    live = ScriptedPool(pool, b=LAGGING[name])

    def arrive(_seconds: float) -> None:
        if len(live.sent) == 2:
            seen.append(case.clock.seconds)
            if seen[-1] - seen[0] >= TIMEOUTS.quiet - 2:
                live.put("b", "h3")

    seen: list[float] = []
    case.clock.then = arrive
    assert execute(plan, live, case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]


def test_a_task_that_never_ended_is_not_forgotten(case: Case, plan: Plan, pool: Pool) -> None:
    """It is the only handle on what may still run, so resume can take it up."""
    live = ScriptedPool(pool, a=Script(polls=10**6, uncancellable=True))
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, case.options)
    assert live.forgotten == []


def test_a_vm_that_is_deleted_on_its_way_is_told_so(case: Case, plan: Plan, pool: Pool) -> None:
    """Nobody can say where it ends up, but everybody that it is gone, and what to do then."""
    live, asked = ScriptedPool(pool), list[str]()

    def delete(call: str) -> None:
        asked.append(call)
        if call == "whereabouts" and "task" in asked:
            raise RefusedByXapi("VM.get_by_uuid", "UUID_INVALID", ["VM", "a"])

    live.before_each = delete
    with pytest.raises(StoppedHalfWay, match="does not know the VM any more"):
        execute(plan, live, case.options)
    assert case.looks == [("s01", StepState.UNKNOWN)]
