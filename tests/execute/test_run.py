"""Runs against a scripted pool: every outcome, every way to stop, nothing ever sent twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import (
    IllegalPlan,
    InputError,
    OutcomeUnknown,
    RefusedByXapi,
    StalePlan,
    StoppedHalfWay,
    Unreachable,
)
from rebalancer.execute import Ending, RunReporter, StopSignal, execute, read_journal, resume
from rebalancer.execute.journal import Entry, Intended, Journal, Looked, RunBegan, Sent
from rebalancer.execute.outcome import StepState
from rebalancer.execute.patience import Patience
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from rebalancer.xapi import TaskStatus
from tests.execute.scripted import MADE_AT, HandClock, Script, ScriptedPool, plan_of
from tests.pools import make_host, make_pool, make_vm

DOWN = Unreachable("https://h1", "no connection", "Start it")
LOST = OutcomeUnknown("https://h1", "no answer", "Look")
PATIENCE = Patience(poll=1, busy=60, unreachable=30, quiet=10, retry=15, step=300, cancel=60)


def refusal(code: str, *params: str) -> RefusedByXapi:
    """XAPI's answer."""
    return RefusedByXapi("VM.pool_migrate", code, params)


@pytest.fixture
def pool() -> Pool:
    """Three hosts, and VMs a, b and c on the first of them."""
    hosts = [make_host(name) for name in ("h1", "h2", "h3")]
    return make_pool(hosts=hosts, vms=[make_vm(name) for name in "abc"])


@pytest.fixture
def plan(pool: Pool) -> Plan:
    """It moves a to h2, b to h3 and c to h2."""
    return plan_of(pool, ("a", "h2"), ("b", "h3"), ("c", "h2"))


class Case:
    """A place for journal and lock, and a clock that only sleeping moves."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.stop = HandClock(), StopSignal()
        self.options: dict[str, Any] = {
            "journal": folder / "journal.jsonl",
            "state_dir": folder / "state",
            "clock": self.clock,
            "stop": self.stop,
            "patience": PATIENCE,
        }

    @property
    def journal(self) -> Path:
        """The journal of every run here."""
        path: Path = self.options["journal"]
        return path

    @property
    def looked(self) -> list[tuple[str, StepState]]:
        """What the journal says of each look."""
        return [(each.step, each.state) for each in read_journal(self.journal) if isinstance(each, Looked)]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A fresh place."""
    return Case(tmp_path)


def where(live: ScriptedPool) -> dict[str, str | None]:
    """The hosts of the three VMs."""
    return {name: live.pool.vms[name].resident_on for name in "abc"}


ALL_MOVED = {"a": "h2", "b": "h3", "c": "h2"}
STEPS = [("s01", StepState.MOVED), ("s02", StepState.MOVED), ("s03", StepState.MOVED)]


def test_a_plan_is_carried_out(case: Case, plan: Plan, pool: Pool) -> None:
    """Every VM ends where the plan says, one call each, and no task is left behind."""
    live = ScriptedPool(pool)
    result = execute(plan, live, **case.options)
    assert (result.ending, result.done, result.left) == (Ending.COMPLETE, ("s01", "s02", "s03"), ())
    assert where(live) == ALL_MOVED
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]
    assert live.forgotten == ["OpaqueRef:1", "OpaqueRef:2", "OpaqueRef:3"]
    assert case.looked == STEPS
    assert result.differences == ()


def test_the_intent_is_on_the_disk_before_the_call(case: Case, plan: Plan, pool: Pool) -> None:
    """When the call leaves, the journal ends with its intent; when the next is asked, with the look after the last."""
    live = ScriptedPool(pool)
    at: list[tuple[str, str]] = []
    live.before_each = lambda call: (
        at.append((call, type(read_journal(case.journal)[-1]).__name__)) if case.journal.exists() else None
    )
    execute(plan, live, **case.options)
    assert {last for call, last in at if call == "migrate"} == {"Intended"}
    assert {last for call, last in at if call == "task"} == {"Sent"}
    assert {last for call, last in at if call == "assert_may_migrate"} == {"RunBegan", "Looked"}


def test_the_pool_is_looked_at_and_asked_before_each_call(case: Case, plan: Plan, pool: Pool) -> None:
    """Before each migration: where the VM is, the whole inventory, XAPI's own opinion."""
    live, calls = ScriptedPool(pool), list[str]()
    live.before_each = calls.append
    execute(plan, live, **case.options)
    sends = [number for number, call in enumerate(calls) if call == "migrate"]
    assert [calls[number - 3 : number] for number in sends] == [["whereabouts", "read", "assert_may_migrate"]] * 3


def test_a_plan_without_steps_touches_nothing(case: Case, pool: Pool) -> None:
    """Nothing to do: no call, no journal."""
    live, calls = ScriptedPool(pool), list[str]()
    live.before_each = calls.append
    assert execute(plan_of(pool), live, **case.options).complete
    assert not calls
    assert not case.journal.exists()


def test_a_vm_that_is_there_already_is_not_moved(case: Case, plan: Plan, pool: Pool) -> None:
    """Somebody made a step by hand: it is done, and the others are made."""
    live = ScriptedPool(pool)
    live.put("b", "h3")
    result = execute(plan, live, **case.options)
    assert result.complete
    assert live.sent == [("a", "h2"), ("c", "h2")]
    assert result.differences == ()


def test_drift_that_leaves_the_plan_legal_goes_on(case: Case, plan: Plan, pool: Pool) -> None:
    """A VM that started meanwhile and does not matter is reported, and the plan is carried out."""
    live = ScriptedPool(replace(pool, vms={**pool.vms, "new": make_vm("new", on="h3")}))
    result = execute(plan, live, **case.options)
    assert result.complete
    assert result.differences == ("VM new runs on h3 and did not run before",)


STALE: dict[str, tuple[Callable[[Pool], Pool], str]] = {
    "host disabled": (lambda pool: host(pool, "h2", enabled=False), "host h2 is disabled"),
    "host gone": (
        lambda pool: replace(pool, hosts={k: v for k, v in pool.hosts.items() if k != "h3"}),
        "host h3 is gone",
    ),
    "another pool": (lambda pool: replace(pool, uuid="other", name="other"), "the plan is for pool test pool"),
    "balancing": (lambda pool: replace(pool, wlb_enabled=True), "Workload Balancing is on"),
    "upgrade": (lambda pool: replace(pool, other_config={"rolling_upgrade_in_progress": "t"}), "rolling upgrade"),
    "no room": (lambda pool: replace(pool, vms={**pool.vms, "x": make_vm("x", on="h2", gib=58)}), "VM x runs on h2"),
    "moved": (lambda pool: replace(pool, vms={**pool.vms, "c": make_vm("c", on="h3")}), "VM c is on h3, not on h1"),
    "halted": (lambda pool: replace(pool, vms={**pool.vms, "a": make_vm("a", on=None)}), "VM a does not run any more"),
}


def host(pool: Pool, uuid: str, **changes: Any) -> Pool:  # noqa: ANN401 - any field of a host
    """*pool* with another host."""
    return replace(pool, hosts={**pool.hosts, uuid: replace(pool.hosts[uuid], **changes)})


@pytest.mark.parametrize("drift", STALE)
def test_a_stale_plan_moves_nothing_and_says_why(case: Case, plan: Plan, pool: Pool, drift: str) -> None:
    """A change that makes any step illegal stops before the first call, in words, and leaves no journal."""
    change, words = STALE[drift]
    live = ScriptedPool(change(pool))
    with pytest.raises(StalePlan, match=words):
        execute(plan, live, **case.options)
    assert live.sent == []
    assert not case.journal.exists()


def test_an_expired_plan_is_stale(case: Case, plan: Plan, pool: Pool) -> None:
    """A day after it was made, by default, nothing is moved."""
    live = ScriptedPool(pool)
    case.clock.sleep(timedelta(hours=24).total_seconds())
    with pytest.raises(StalePlan, match="expired at 2026-03-02 01:00 UTC"):
        execute(plan, live, **case.options)
    assert live.sent == []


def test_an_edited_plan_is_refused(case: Case, plan: Plan, pool: Pool) -> None:
    """A step with another target does not match the digest."""
    edited = replace(plan, steps=(replace(plan.steps[0], target="h3"), *plan.steps[1:]))
    changed = ScriptedPool(replace(pool, vms={**pool.vms, "new": make_vm("new", on="h3")}))
    for live in (ScriptedPool(pool), changed):
        with pytest.raises(IllegalPlan, match="edited"):
            execute(edited, live, **case.options)


def test_a_step_that_xapi_refuses_before_anything_was_sent_makes_the_plan_stale(
    case: Case, plan: Plan, pool: Pool
) -> None:
    """XAPI's own dry run says no to the first step: nothing was sent, a new plan is needed."""
    live = ScriptedPool(pool, a=Script(refused=refusal("VM_LACKS_FEATURE", "a")))
    with pytest.raises(StalePlan, match=r"step s01, a from h1 to h2: XAPI refuses it \(VM_LACKS_FEATURE a\)"):
        execute(plan, live, **case.options)
    assert live.sent == []


OUTCOMES: dict[str, tuple[Script, StepState, str]] = {
    "refused by the call": (Script(send=refusal("VM_LACKS_FEATURE", "b")), StepState.REFUSED, "XAPI refuses it"),
    "refused by the task": (
        Script(status=TaskStatus.FAILURE, error=("HOST_NOT_ENOUGH_FREE_MEMORY", "2", "1"), lands="h1"),
        StepState.REFUSED,
        "HOST_NOT_ENOUGH_FREE_MEMORY 2 1",
    ),
    "failed late": (
        Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "End_of_file"), lands="h1"),
        StepState.STAYED,
        "still runs on h1",
    ),
    "halted": (
        Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "End_of_file"), lands=None),
        StepState.HALTED,
        "the VM is halted",
    ),
    "elsewhere": (Script(lands="h2"), StepState.ELSEWHERE, "runs on host h2"),
    "cancelled by a toolstack restart": (Script(status=TaskStatus.CANCELLED, lands="h1"), StepState.STAYED, "failed"),
    "no answer, not taken": (Script(send=LOST), StepState.UNKNOWN, "does not tell"),
    "handshake lost": (
        Script(
            status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "Failed during Synchronisation point 4"), lands="h1"
        ),
        StepState.UNKNOWN,
        "does not tell",
    ),
    "never ends": (Script(polls=10**6, uncancellable=True), StepState.UNKNOWN, "does not tell"),
    "hangs, then cancelled": (Script(polls=10**6), StepState.STAYED, "failed"),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_step_that_does_not_end_well_stops_the_run(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """Each bad end is told apart, sent once, written down, and nothing after it is started."""
    script, state, words = OUTCOMES[name]
    live = ScriptedPool(pool, b=script)
    with pytest.raises(StoppedHalfWay) as stopped:
        execute(plan, live, **case.options)
    assert words in stopped.value.reason
    assert (stopped.value.done, stopped.value.left, stopped.value.journal) == (1, 1, str(case.journal))
    assert live.sent == [("a", "h2"), ("b", "h3")]
    assert case.looked == [("s01", StepState.MOVED), ("s02", state)]


MOVED_ALL_THE_SAME = {
    "no answer, but taken": Script(send=LOST, taken=True, polls=20),
    "task failed after the switch-over": Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "handshake")),
    "task cancelled by a toolstack restart": Script(status=TaskStatus.CANCELLED),
    "task vanished": Script(status=TaskStatus.VANISHED),
}


@pytest.mark.parametrize("name", MOVED_ALL_THE_SAME)
def test_the_pool_is_believed_before_the_task(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """Whatever became of the task: a VM that runs on its target has moved, and the run goes on."""
    live = ScriptedPool(pool, b=MOVED_ALL_THE_SAME[name])
    assert execute(plan, live, **case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]


PASSING = {
    "busy": Script(send=refusal("OTHER_OPERATION_IN_PROGRESS", "VM", "b")),
    "busy says the dry run": Script(refused=refusal("OTHER_OPERATION_IN_PROGRESS", "VM", "b")),
    "host boots": Script(status=TaskStatus.FAILURE, error=("HOST_STILL_BOOTING",), lands="h1"),
    "too many": Script(status=TaskStatus.FAILURE, error=("TOO_MANY_PENDING_TASKS",), lands="h1"),
    "does not balloon": Script(status=TaskStatus.FAILURE, error=("VMS_FAILED_TO_COOPERATE", "b"), lands="h1"),
    "never sent": Script(send=DOWN),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_refusal_is_tried_once_more(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """A VM that stayed, for a reason that passes, gets a second chance after a pause."""
    live = ScriptedPool(pool, b=PASSING[name])
    assert execute(plan, live, **case.options).complete
    assert where(live) == ALL_MOVED
    assert case.clock.seconds >= PATIENCE.retry


@pytest.mark.parametrize("name", PASSING)
def test_a_second_refusal_stops_the_run(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """There is no third chance."""
    live = ScriptedPool(pool, b=[PASSING[name], PASSING[name]])
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, **case.options)
    assert len([vm for vm, _ in live.sent if vm == "b"]) <= 2
    assert where(live) == {"a": "h2", "b": "h1", "c": "h1"}


def test_a_vm_that_halted_is_never_tried_again(case: Case, plan: Plan, pool: Pool) -> None:
    """A passing code does not matter once the VM is not where it was."""
    live = ScriptedPool(pool, b=Script(status=TaskStatus.FAILURE, error=("VMS_FAILED_TO_COOPERATE",), lands=None))
    with pytest.raises(StoppedHalfWay, match="halted"):
        execute(plan, live, **case.options)
    assert live.sent == [("a", "h2"), ("b", "h3")]
    assert case.looked == [("s01", StepState.MOVED), ("s02", StepState.HALTED)]


LAGGING = {
    "no answer": Script(send=LOST),
    "task cancelled": Script(status=TaskStatus.CANCELLED, lands="h1"),
    "task failed late": Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "handshake"), lands="h1"),
}


@pytest.mark.parametrize("name", LAGGING)
def test_a_database_that_lags_is_given_time(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """The VM shows up on its target seconds after its migration seemed to be over: it has moved."""
    live = ScriptedPool(pool, b=LAGGING[name])

    def arrive(_seconds: float) -> None:
        if len(live.sent) == 2:
            seen.append(case.clock.seconds)
            if seen[-1] - seen[0] >= PATIENCE.quiet - 2:
                live.put("b", "h3")

    seen: list[float] = []
    case.clock.then = arrive
    assert execute(plan, live, **case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]


def test_a_task_that_never_ended_is_not_forgotten(case: Case, plan: Plan, pool: Pool) -> None:
    """It is the only handle on what may still run, so resume can take it up."""
    live = ScriptedPool(pool, a=Script(polls=10**6, uncancellable=True))
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, **case.options)
    assert live.forgotten == []


def test_a_vm_that_left_its_target_again_stops_the_run(case: Case, plan: Plan, pool: Pool) -> None:
    """Somebody moves the VM of a finished step on: the plan would not end where it says, and the sentence tells why."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: live.put("a", "h3") if call == "forget" and len(live.sent) == 1 else None
    with pytest.raises(StoppedHalfWay, match="VM a is on h3, not on h1"):
        execute(plan, live, **case.options)


def test_a_busy_vm_is_waited_for(case: Case, plan: Plan, pool: Pool) -> None:
    """A snapshot of a VM that is to move ends in time: the plan goes on, and the reporter heard of the wait once."""
    live, waits = ScriptedPool(pool), list[str]()
    live.change("b", current_operations=("snapshot",))
    case.clock.then = lambda seconds: live.change("b", current_operations=()) if seconds > 40 else None

    class Waits(RunReporter):
        def step_waits(self, step: object, why: str) -> None:  # noqa: ARG002 - the interface's
            waits.append(why)

    assert execute(plan, live, reporter=Waits(), **case.options).complete
    assert waits == ["the VM is busy: snapshot"]


def test_a_vm_that_stays_busy_stops_the_run(case: Case, plan: Plan, pool: Pool) -> None:
    """Patience has a limit, and nothing is sent for a VM that is busy."""
    live = ScriptedPool(pool)
    live.change("b", current_operations=("snapshot",))
    with pytest.raises(StoppedHalfWay, match=r"step s02, b from h1 to h3: the VM is still busy \(snapshot\)"):
        execute(plan, live, **case.options)
    assert live.sent == [("a", "h2")]


def test_a_vm_moved_by_somebody_else_between_steps_stops_the_run(case: Case, plan: Plan, pool: Pool) -> None:
    """When the look before step 2 finds its VM on a third host, nothing more is sent."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: live.put("b", "h2") if call == "forget" else None
    with pytest.raises(StoppedHalfWay, match="runs on host h2, where this plan did not send it"):
        execute(plan, live, **case.options)
    assert live.sent == [("a", "h2")]


def test_a_host_disabled_between_steps_stops_the_run(case: Case, plan: Plan, pool: Pool) -> None:
    """What is left is verified again before each launch: the target of step 3 is gone, so step 2 is not started."""
    live = ScriptedPool(pool)

    def disable(call: str) -> None:
        if call == "forget":
            live.pool = host(live.pool, "h2", enabled=False)

    live.before_each = disable
    with pytest.raises(StoppedHalfWay, match="host h2 is disabled") as stopped:
        execute(plan, live, **case.options)
    assert live.sent == [("a", "h2")]
    assert (stopped.value.done, stopped.value.left) == (1, 2)


def test_a_pool_that_comes_back_does_not_disturb(case: Case, plan: Plan, pool: Pool) -> None:
    """Reads are asked again while the coordinator is away, in the middle of a migration too."""
    live, calls = ScriptedPool(pool), list[str]()

    def flap(call: str) -> None:
        calls.append(call)
        if call in {"read", "task", "whereabouts", "assert_may_migrate"} and len(calls) % 3 == 0:
            raise DOWN

    live.before_each = flap
    assert execute(plan, live, **case.options).complete
    assert len(live.sent) == 3


def test_a_toolstack_that_is_starting_is_waited_for(case: Case, plan: Plan, pool: Pool) -> None:
    """HOST_STILL_BOOTING to a question, in the middle of a migration, is no answer."""
    live, calls = ScriptedPool(pool), list[str]()

    def boot(call: str) -> None:
        calls.append(call)
        if call in {"read", "task", "whereabouts"} and len(calls) % 3 == 0:
            raise refusal("HOST_STILL_BOOTING")

    live.before_each = boot
    assert execute(plan, live, **case.options).complete
    assert len(live.sent) == 3


def test_a_pool_that_never_answers_moved_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """Before anything was sent it is no half-way stop, just a pool that cannot be reached."""
    live = ScriptedPool(pool)

    def down(_call: str) -> None:
        raise DOWN

    live.before_each = down
    with pytest.raises(Unreachable):
        execute(plan, live, **case.options)
    assert case.clock.seconds == pytest.approx(PATIENCE.unreachable, abs=2)


def test_a_pool_that_is_lost_during_a_migration_leaves_it_unknown(case: Case, plan: Plan, pool: Pool) -> None:
    """Nobody can tell where the VM is, so nothing more is sent, and the journal says so."""
    live = ScriptedPool(pool)

    def down(call: str) -> None:
        if live.sent and call in {"task", "whereabouts"}:
            raise DOWN

    live.before_each = down
    with pytest.raises(StoppedHalfWay, match="does not tell"):
        execute(plan, live, **case.options)
    assert case.looked == [("s01", StepState.UNKNOWN)]


def test_asked_once_it_ends_after_the_step_that_runs(case: Case, plan: Plan, pool: Pool) -> None:
    """Ctrl-C once: the migration under way ends well, and nothing else begins."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: case.stop.ask() if call == "task" and not case.stop.asked else None
    with pytest.raises(StoppedHalfWay, match="asked to stop") as stopped:
        execute(plan, live, **case.options)
    assert (stopped.value.done, stopped.value.left) == (1, 2)
    assert live.cancelled == []
    assert case.looked == STEPS[:1]


def test_asked_twice_it_cancels_looks_and_writes(case: Case, plan: Plan, pool: Pool) -> None:
    """Ctrl-C twice: the task is cancelled once, and the journal says where the VM is."""
    live = ScriptedPool(pool, a=Script(polls=100))
    live.before_each = lambda call: case.stop.ask() if call == "task" else None
    with pytest.raises(StoppedHalfWay, match="TASK_CANCELLED"):
        execute(plan, live, **case.options)
    assert live.cancelled == ["OpaqueRef:1"]
    assert case.looked == [("s01", StepState.STAYED)]


def test_asked_while_it_waits_it_sends_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """Ctrl-C while a busy VM is waited for: the call for it never leaves."""
    live = ScriptedPool(pool)
    live.change("a", current_operations=("snapshot",))
    case.clock.then = lambda _seconds: case.stop.ask()
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        execute(plan, live, **case.options)
    assert live.sent == []


def test_asked_while_xapi_is_asked_it_sends_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """The last moment before the call counts, too."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: case.stop.ask() if call == "assert_may_migrate" else None
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        execute(plan, live, **case.options)
    assert live.sent == []


def test_a_deadline_ends_the_run_before_a_step_that_would_be_late(case: Case, plan: Plan, pool: Pool) -> None:
    """With time for one step and a half, one step is made."""
    live = ScriptedPool(pool)
    deadline = case.clock.now() + timedelta(seconds=plan.steps[0].seconds + 1)
    case.options["deadline"] = deadline
    result = execute(plan, live, **case.options)
    assert (result.ending, result.done) == (Ending.DEADLINE, ("s01",))
    assert case.clock.now() <= deadline


def test_a_plan_is_not_begun_twice(case: Case, plan: Plan, pool: Pool) -> None:
    """A journal that tells of a step belongs to a run that can only be resumed."""
    live = ScriptedPool(pool)
    execute(plan, live, **case.options)
    with pytest.raises(InputError, match="begun already"):
        execute(plan, live, **case.options)
    assert resume(plan, live, **case.options).complete
    assert len(live.sent) == 3


def test_a_journal_of_another_plan_is_refused(case: Case, plan: Plan, pool: Pool) -> None:
    """A journal is bound to the digest of its plan."""
    live = ScriptedPool(pool)
    execute(plan, live, **case.options)
    other = plan_of(live.pool, ("a", "h1"))
    for run in (execute, resume):
        with pytest.raises(InputError, match="another plan"):
            run(other, live, **case.options)


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
    assert resume(plan, live, **case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]
    assert case.looked == STEPS


def test_a_killed_run_whose_call_nobody_knows_of_stops(case: Case, plan: Plan, pool: Pool) -> None:
    """Killed between intent and answer, and the VM rests on its source: it may still come, so nothing is sent."""
    live = ScriptedPool(pool)
    journal_of(case, plan, task=None)
    for _ in range(2):
        with pytest.raises(StoppedHalfWay, match="ended before it heard"):
            resume(plan, live, **case.options)
    assert live.sent == []


def test_a_killed_run_whose_task_failed_says_so_and_can_go_on(case: Case, plan: Plan, pool: Pool) -> None:
    """What failed unwatched stops the first resume in words; the second tries again, as its outcome is known."""
    live = ScriptedPool(pool, a=Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "x"), lands="h1"))
    journal_of(case, plan, task=live.migrate("a", "h2"))
    with pytest.raises(StoppedHalfWay, match="INTERNAL_ERROR x"):
        resume(plan, live, **case.options)
    assert live.sent == [("a", "h2")]
    assert resume(plan, live, **case.options).complete
    assert where(live) == ALL_MOVED


def test_a_stopped_run_goes_on_where_it_stopped(case: Case, plan: Plan, pool: Pool) -> None:
    """After Ctrl-C, resume makes the steps that are left, and no other."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: case.stop.ask() if call == "forget" else None
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, **case.options)
    live.before_each = lambda _call: None
    case.options["stop"] = StopSignal()
    assert resume(plan, live, **case.options).done == ("s01", "s02", "s03")
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]


def test_a_halted_vm_that_was_started_again_moves_on_resume(case: Case, plan: Plan, pool: Pool) -> None:
    """People started it where it was: the step is made now."""
    live = ScriptedPool(pool, a=Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR",), lands=None))
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, **case.options)
    live.pool = replace(live.pool, vms={**live.pool.vms, "a": make_vm("a", on="h1")})
    assert resume(plan, live, **case.options).complete
    assert [state for step, state in case.looked if step == "s01"] == [
        StepState.HALTED,
        StepState.STAYED,
        StepState.MOVED,
    ]


def test_a_resumed_plan_may_be_stale(case: Case, plan: Plan, pool: Pool) -> None:
    """A day later the steps that are left are not made any more."""
    live = ScriptedPool(pool)
    case.options["deadline"] = case.clock.now() + timedelta(seconds=plan.steps[0].seconds + 1)
    execute(plan, live, **case.options)
    case.options["deadline"] = None
    case.clock.sleep(timedelta(days=2).total_seconds())
    with pytest.raises(StoppedHalfWay, match="expired"):
        resume(plan, live, **case.options)
    assert live.sent == [("a", "h2")]


def test_a_journal_that_cannot_be_written_sends_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """Without a journal there is no call."""
    live = ScriptedPool(pool)
    case.journal.mkdir()
    with pytest.raises(InputError, match="journal"):
        execute(plan, live, **case.options)
    assert live.sent == []


def test_a_disk_that_fills_up_during_a_migration_stops_the_run(
    case: Case, plan: Plan, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is out and its task cannot be written: people are told, the intent is there, resume settles it."""
    live, append = ScriptedPool(pool), Journal.append

    def full(self: Journal, entry: Entry) -> None:
        if isinstance(entry, Sent):
            raise InputError("journal", "no space left", "Make room")
        append(self, entry)

    monkeypatch.setattr(Journal, "append", full)
    with pytest.raises(StoppedHalfWay, match="no space left"):
        execute(plan, live, **case.options)
    monkeypatch.setattr(Journal, "append", append)
    live.put("a", "h2")
    live.change("a", scheduled_to_be_resident_on=None, current_operations=())
    assert resume(plan, live, **case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]
