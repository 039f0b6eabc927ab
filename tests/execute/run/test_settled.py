"""Calls whose answers nobody heard: what the pool shows settles them, and where that is not enough people are asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rebalancer.errors import StoppedHalfWay
from rebalancer.execute import execute, read_journal, resume
from rebalancer.execute.claim.fence import STEP, Mark
from rebalancer.execute.journal.entries import Intended, Looked, RunBegan
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.result import Ending
from rebalancer.execute.run.evidence import NEVER_SENT, NOT_TAKEN, OVER, RESTARTED
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.xapi import TaskRow
from tests.execute.case import ALL_MOVED, LOST, Case, host, where
from tests.execute.scripted import MADE_AT, Script, ScriptedPool, plan_of

BEFORE = "1767225600."
"""When the toolstacks of the pool were started, as they write it."""
TOOLSTACKS = (f"h1 {BEFORE}", f"h2 {BEFORE}")
RUN = "run"


def begun(case: Case, plan: Plan, *, marked: bool = True, toolstacks: tuple[str, ...] = TOOLSTACKS) -> str:
    """The journal of a run that was killed once its first step was about to be sent; the mark of that step."""
    step = plan.steps[0]
    with Journal(case.journal) as journal:
        journal.append(RunBegan(at=MADE_AT, plan=plan.digest, pool=plan.made_from.pool, run=RUN))
        journal.append(
            Intended(
                at=MADE_AT,
                step=step.id,
                vm=step.vm,
                source=step.source,
                target=step.target,
                marked=marked,
                toolstacks=toolstacks,
            )
        )
    return Mark(run=RUN, step=step.id, plan=plan.digest, toolstacks=toolstacks).text


def marked_pool(pool: Pool, vm: str, mark: str) -> ScriptedPool:
    """A pool whose VM has a mark."""
    live = ScriptedPool(pool)
    live.change(vm, other_config={STEP: mark})
    return live


def told(case: Case) -> list[tuple[StepState, str]]:
    """What the journal says of the first step."""
    return [(each.state, each.words) for each in read_journal(case.journal) if isinstance(each, Looked)]


def test_a_call_without_a_mark_was_never_sent(case: Case, plan: Plan, pool: Pool) -> None:
    """Killed between the line and the mark: settled at once, and the step is made."""
    begun(case, plan)
    live = ScriptedPool(pool)
    assert resume(plan, live, case.options).complete
    assert (where(live), len(live.sent)) == (ALL_MOVED, 3)
    assert told(case)[0] == (
        StepState.UNSENT,
        f"an earlier run ended before it heard whether XAPI had taken the call; {NEVER_SENT}",
    )
    assert case.clock.seconds < case.options.timeouts.quiet


def test_a_call_that_the_pool_never_took_is_sent_again(case: Case, plan: Plan, pool: Pool) -> None:
    """Killed between the mark and the call: no task, no restart, the VM at rest for a while: it cannot come now."""
    live = marked_pool(pool, "a", begun(case, plan))
    assert resume(plan, live, case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]
    assert told(case)[0][0] is StepState.UNSENT
    assert told(case)[0][1].endswith(NOT_TAKEN)
    assert case.clock.seconds >= case.options.timeouts.quiet
    assert STEP not in live.pool.vms["a"].other_config


def test_an_answer_that_was_lost_on_the_way_there_is_settled_in_the_run(case: Case, plan: Plan, pool: Pool) -> None:
    """The call never reached the pool: seen by evidence, and made at the second try."""
    live = ScriptedPool(pool, b=[Script(send=LOST)])
    assert execute(plan, live, case.options).complete
    assert [state for step, state in case.looks if step == "s02"] == [StepState.UNSENT, StepState.MOVED]


def test_a_task_that_can_be_its_is_waited_for(case: Case, plan: Plan, pool: Pool) -> None:
    """XAPI lets calls queue behind a VM for two hours: as long as one is pending, nothing is sent."""
    live = marked_pool(pool, "a", begun(case, plan))
    queued = TaskRow(ref="OpaqueRef:q", call="VM.pool_migrate", pending=True, created=MADE_AT)
    live.marks.told = [queued]
    case.clock.then = lambda seconds: end_at(100, seconds)

    def end_at(moment: float, seconds: float) -> None:
        if seconds >= moment:
            live.marks.told = [replace(queued, pending=False)]

    with pytest.raises(StoppedHalfWay, match=OVER):
        resume(plan, live, case.options)
    assert live.sent == []
    assert case.clock.seconds >= 100
    assert resume(plan, live, case.options).complete


def test_a_task_that_never_ends_leaves_it_open(case: Case, plan: Plan, pool: Pool) -> None:
    """Then it is unknown, the task is named, and the mark stays for whoever looks next."""
    live = marked_pool(pool, "a", mark := begun(case, plan))
    live.marks.told = [TaskRow(ref="OpaqueRef:q", call="VM.pool_migrate", pending=True, created=MADE_AT)]
    with pytest.raises(StoppedHalfWay, match="task OpaqueRef:q may be its"):
        resume(plan, live, case.options)
    assert (live.sent, live.pool.vms["a"].other_config[STEP]) == ([], mark)
    live.marks.told = []
    assert resume(plan, live, case.options).complete


def test_a_restarted_toolstack_forgets_so_it_takes_time(case: Case, plan: Plan, pool: Pool) -> None:
    """What it began before may go on unseen: unknown until the longest migration would be over, then settled."""
    live = marked_pool(pool, "a", begun(case, plan))
    restarted = live.marks.time - timedelta(seconds=60)
    live.pool = host(live.pool, "h1", other_config={"agent_start_time": f"{restarted.timestamp():.0f}."})
    with pytest.raises(StoppedHalfWay, match=RESTARTED):
        resume(plan, live, case.options)
    assert live.sent == []
    live.marks.time = restarted + timedelta(hours=2)
    assert resume(plan, live, case.options).complete


def test_a_toolstack_that_says_nothing_leaves_it_open(case: Case, plan: Plan, pool: Pool) -> None:
    """Nobody knows whether it was restarted."""
    live = marked_pool(pool, "a", begun(case, plan, toolstacks=()))
    live.pool = host(live.pool, "h2", other_config={})
    with pytest.raises(StoppedHalfWay, match=RESTARTED):
        resume(plan, live, case.options)
    assert live.sent == []


def test_a_run_without_marks_is_settled_by_the_rest(case: Case, plan: Plan, pool: Pool) -> None:
    """Where the role permitted no lock: a VM without a mark proves nothing, tasks and time do."""
    begun(case, plan, marked=False)
    live = ScriptedPool(pool)
    assert resume(plan, live, case.options).complete
    assert told(case)[0][1].endswith(NOT_TAKEN)


def test_a_mark_that_somebody_removed_proves_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """The call surely left, and its mark is gone: the tasks decide, not the mark."""
    live = ScriptedPool(pool, a=Script(send=LOST, taken=True, polls=10**6, uncancellable=True))
    live.before_each = lambda call: live.change("a", other_config={}) if call == "tasks" else None
    with pytest.raises(StoppedHalfWay, match="does not tell"):
        execute(plan, live, case.options)
    assert live.sent == [("a", "h2")]


def test_the_mark_of_a_dead_run_is_removed_once_its_call_cannot_come(case: Case, plan: Plan, pool: Pool) -> None:
    """Another plan has left it: the VM is watched for a while, then moved."""
    live = marked_pool(pool, "a", Mark(run="dead", step="s07", plan="sha256:2", toolstacks=TOOLSTACKS).text)
    assert execute(plan, live, case.options).complete
    assert case.clock.seconds >= case.options.timeouts.quiet


def test_a_mark_of_a_step_to_another_host_is_settled_too(case: Case, pool: Pool) -> None:
    """The toolstacks that it names count, not those of the step at hand: a way back leads elsewhere."""
    live = ScriptedPool(pool)
    lately = f"{(live.marks.time - timedelta(seconds=60)).timestamp():.0f}."
    for name in pool.hosts:
        live.pool = host(live.pool, name, other_config={"agent_start_time": lately})
    mark = Mark(run="dead", step="s07", plan="sha256:2", toolstacks=(f"h1 {lately}", f"h3 {lately}"))
    live.change("a", other_config={STEP: mark.text})
    made = plan_of(live.pool, ("a", "h2"))
    assert execute(made, live, case.options).complete


def test_a_mark_whose_call_may_come_holds_the_step(case: Case, plan: Plan, pool: Pool) -> None:
    """The other steps are made; what is left is told with whose mark it is."""
    live = marked_pool(pool, "a", Mark(run="dead", step="s07", plan="sha256:2").text)
    live.marks.told = [TaskRow(ref="OpaqueRef:q", call="VM.pool_migrate", pending=True, created=MADE_AT)]
    result = execute(plan, live, case.options)
    assert (result.ending, result.left) == (Ending.HELD, ("s01",))
    assert "step s07 of run dead" in result.held[0].words
    assert ("a", "h2") not in live.sent


@pytest.mark.parametrize("text", ["", "{", '{"run": "x"}', "[1]"])
def test_a_mark_that_says_nothing_is_settled_like_any(case: Case, plan: Plan, pool: Pool, text: str) -> None:
    """Toolstacks that were started long ago know all their tasks."""
    live = marked_pool(pool, "a", text)
    assert execute(plan, live, case.options).complete


def test_what_was_sent_is_marked_until_it_was_looked_at(case: Case, plan: Plan, pool: Pool) -> None:
    """The mark names run, step and plan while the migration runs, and is gone after it."""
    live, seen = ScriptedPool(pool), dict[str, str]()

    def look(call: str) -> None:
        if call == "task":
            seen.update({vm.uuid: vm.other_config[STEP] for vm in live.pool.vms.values() if STEP in vm.other_config})

    live.before_each = look
    assert execute(plan, live, case.options).complete
    marks = {vm: Mark.told(text) for vm, text in seen.items()}
    assert {vm: (mark.step, mark.plan) for vm, mark in marks.items()} == {
        step.vm: (step.id, plan.digest) for step in plan.steps
    }
    assert [vm.uuid for vm in live.pool.vms.values() if vm.other_config] == []


def test_a_lock_that_is_lost_between_look_and_call_sends_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """It is asked for after the mark, right before the call."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: live.marks.keys.clear() if call == "add_to_vm" else None
    with pytest.raises(StoppedHalfWay, match="not this run's any more"):
        execute(plan, live, case.options)
    assert live.sent == []
    assert told(case)[0][0] is StepState.UNSENT


def test_times_of_toolstacks_are_read(pool: Pool) -> None:
    """They are seconds since the epoch with a point behind them."""
    assert datetime.fromtimestamp(float(BEFORE), UTC) < MADE_AT
    assert pool.hosts["h1"].other_config["agent_start_time"] == BEFORE
