"""VMs that are blocked or busy for a while, as by a backup: their steps wait, and nobody else's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rebalancer.errors import StoppedHalfWay
from rebalancer.execute import Ending, RunReporter, execute, resume
from rebalancer.execute.journal.entries import RunEnded
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.judge.hindrance import hindrance_beside
from rebalancer.inventory import Pool
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement, current_placement
from rebalancer.plan import Plan
from rebalancer.policy import ChangeWindows, change_windows
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.undo.undo import undo
from tests.execute.case import TIMEOUTS, Case, refusal
from tests.execute.killing import Killed, kill_at
from tests.execute.scripted import MADE_AT, HandClock, Script, ScriptedPool, plan_of
from tests.execute.watchful import WatchfulPool
from tests.plan.made import MADE_AT as MADE_THEN
from tests.plan.made import plan_along, tasks
from tests.pools import make_host, make_pool, make_vm, policy_of

BACKUP = {"pool_migrate": "Backup in progress", "migrate_send": "Backup in progress"}
OWN = {"pool_migrate": "ask Jane before you move it"}
MINUTE = 60
HALF_AN_HOUR = 30 * MINUTE


class Waits(RunReporter):
    """What was waited for."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def step_waits(self, step: Any, why: str) -> None:  # noqa: ANN401 - a step
        """Remember it."""
        self.heard.append((step.id, why))


def freed_after(case: Case, live: ScriptedPool, seconds: float, **vms: Mapping[str, str]) -> None:
    """Let *vms* be blocked for so long."""
    for vm, reasons in vms.items():
        live.change(vm, blocked_operations=reasons)

    def free(now: float) -> None:
        for vm in vms if now > seconds else ():
            live.change(vm, blocked_operations={})

    case.clock.then = free


def test_others_are_made_and_the_blocked_one_once_it_is_free(case: Case, plan: Plan, pool: Pool) -> None:
    """A backup of the first VM holds its step alone; it is told once, with the pool's reason, and made when it ends."""
    live, waits = ScriptedPool(pool), Waits()
    freed_after(case, live, 20 * MINUTE, a=BACKUP)
    result = execute(plan, live, replace(case.options, reporter=waits))
    assert result.complete
    assert live.sent == [("b", "h3"), ("c", "h2"), ("a", "h2")]
    assert case.clock.seconds < 20 * MINUTE + 4 * TIMEOUTS.held
    words = "a backup is running: its operation pool_migrate is blocked: Backup in progress"
    assert waits.heard == [("s01", words)]


def test_a_migration_that_somebody_else_began_counts_towards_the_limits(case: Case, plan: Plan, pool: Pool) -> None:
    """Another run of the plan has sent its first step: what would be too much beside it waits."""
    live, waits = ScriptedPool(pool), Waits()
    live.change("a", current_operations=("pool_migrate",))

    def arrive(now: float) -> None:
        if now > 20 * MINUTE:
            live.change("a", current_operations=(), resident_on="h2")

    case.clock.then = arrive
    result = execute(plan, live, replace(case.options, reporter=waits))
    crowded = "a: on the way already, begun by somebody else, and no more may move at once"
    assert result.complete
    assert sorted(live.sent) == [("b", "h3"), ("c", "h2")]
    assert dict(waits.heard) == {"s01": "the VM is busy: pool_migrate", "s02": crowded, "s03": crowded}


def test_of_a_vm_that_somebody_else_moves_the_first_way_counts() -> None:
    """Where it comes to next is full; where it goes from there is not."""
    vms = [make_vm("a", on="h1", current_operations=("pool_migrate",)), make_vm("c", on="h4")]
    pool = make_pool(hosts=[make_host(each) for each in ("h1", "h2", "h3", "h4")], vms=vms)
    limits = {"concurrent": 2, "in_per_host": 1, "out_per_host": 1}
    still = replace(pool, vms={vm: replace(each, current_operations=()) for vm, each in pool.vms.items()})
    made = plan_of(still, ("a", "h3"), ("a", "h2"), ("c", "h3"), policy=policy_of(limits=limits))
    found = hindrance_beside(made, made.steps[2], pool, (), flying=())
    assert found is not None
    assert found.words == "a: on the way already, begun by somebody else, and no more may move at once"


def test_one_that_stays_blocked_is_left_with_its_reason(case: Case, plan: Plan, pool: Pool) -> None:
    """Where no window says until when, patience ends it: the run ends well, and tells which step was left, and why."""
    live = ScriptedPool(pool)
    live.change("a", blocked_operations=BACKUP)
    result = execute(plan, live, case.options)
    assert (result.ending, result.done, result.left) == (Ending.HELD, ("s02", "s03"), ("s01",))
    assert HALF_AN_HOUR <= case.clock.seconds < HALF_AN_HOUR + MINUTE
    said = "s01 a: a backup is running: its operation pool_migrate is blocked: Backup in progress"
    assert [str(each) for each in result.held] == [said]
    assert said in str(result)
    ended = case.entries[-1]
    assert isinstance(ended, RunEnded)
    assert said in ended.words
    assert result.as_json()["waits"] == [{"step": "s01", "vm": "a", "vm_name": "a", "words": said[7:]}]


def window(seconds: float) -> ChangeWindows:
    """Open from an hour before the clock of these tests begins until *seconds* after."""
    begins = MADE_AT + timedelta(minutes=30)
    hours = {"start": f"{begins - timedelta(hours=1):%H:%M}", "end": f"{begins + timedelta(seconds=seconds):%H:%M}"}
    return change_windows(policy_of(window=[hours]))


@pytest.mark.parametrize(
    ("blocked", "until"), [(BACKUP, 3 * 3600), (OWN, HALF_AN_HOUR), ({"pool_migrate": ""}, HALF_AN_HOUR)]
)
def test_a_window_gives_a_backup_its_whole_time(
    case: Case, plan: Plan, pool: Pool, blocked: Mapping[str, str], until: float
) -> None:
    """What passes by itself is waited for until the window closes; what is somebody's will, as without a window."""
    live = ScriptedPool(pool)
    live.change("b", blocked_operations=blocked)
    result = execute(plan, live, replace(case.options, windows=window(3 * 3600)))
    assert (result.done, result.left, result.ending) == (
        ("s01", "s03"),
        ("s02",),
        Ending.WINDOW if blocked is BACKUP else Ending.HELD,
    )
    assert until - 2 * MINUTE < case.clock.seconds < until + 2 * MINUTE
    assert [each.step for each in result.held] == ["s02"]


def test_a_deadline_is_waited_for_as_a_window_is(case: Case, plan: Plan, pool: Pool) -> None:
    """Whoever gives a run two hours gets them; what is left then was not late, but held."""
    live = ScriptedPool(pool)
    live.change("a", current_operations=("export",))
    deadline = case.clock.now() + timedelta(hours=2)
    result = execute(plan, live, replace(case.options, deadline=deadline))
    assert (result.ending, result.left) == (Ending.HELD, ("s01",))
    assert case.clock.seconds > 1.9 * 3600


def test_no_patience_leaves_it_at_once(case: Case, pool: Pool) -> None:
    """`patience_minutes = 0`: what can be made is made."""
    policy = policy_of(execution={"patience_minutes": 0})
    live = ScriptedPool(pool)
    live.change("a", blocked_operations=BACKUP)
    result = execute(plan_of(pool, ("a", "h2"), ("b", "h3"), policy=policy), live, case.options)
    assert (result.ending, result.done) == (Ending.HELD, ("s02",))
    assert case.clock.seconds < MINUTE


def test_a_plan_whose_only_vm_is_blocked_sends_nothing_and_is_not_stale(case: Case, pool: Pool) -> None:
    """It waits, and then says what it waited for; the plan is as good as before."""
    plan, live = plan_of(pool, ("a", "h2")), ScriptedPool(pool)
    live.change("a", blocked_operations=BACKUP)
    assert execute(plan, live, case.options).ending is Ending.HELD
    assert live.sent == []
    live.change("a", blocked_operations={})
    assert resume(plan, live, case.options).complete


def test_the_other_operation_may_be_blocked(case: Case, plan: Plan, pool: Pool) -> None:
    """Who blocks migrate_send alone holds no XenMotion."""
    live = ScriptedPool(pool)
    live.change("a", blocked_operations={"migrate_send": "Backup in progress", "destroy": "true"})
    assert execute(plan, live, case.options).complete
    assert live.sent[0] == ("a", "h2")


@pytest.mark.parametrize(
    "error",
    [
        refusal("OPERATION_BLOCKED", "OpaqueRef:a", "Backup in progress"),
        refusal("OTHER_OPERATION_IN_PROGRESS", "VM", "OpaqueRef:a", "snapshot", "OpaqueRef:t"),
        refusal("OTHER_OPERATION_IN_PROGRESS", "VM.snapshot", "OpaqueRef:a"),
        refusal("OTHER_OPERATION_IN_PROGRESS", "VDI", "OpaqueRef:d", "snapshot", "OpaqueRef:t"),
    ],
)
def test_what_xapi_says_last_counts_as_well(case: Case, plan: Plan, pool: Pool, error: Exception) -> None:
    """A backup that begins between the look and the question holds its step like any other; nothing is written."""
    live = ScriptedPool(pool, a=[Script(refused=error), Script()])
    assert execute(plan, live, case.options).complete
    assert live.sent == [("b", "h3"), ("c", "h2"), ("a", "h2")]
    assert StepState.REFUSED not in {state for _, state in case.looks}


def chain() -> tuple[Pool, Plan]:
    """VM in takes the place of VM out on a host that has room for one of them; VM by goes where it likes."""
    hosts = [make_host(name, memory_total_bytes=40 * 2**30) for name in ("h1", "h2", "h3", "h4")]
    vms = [make_vm("out", on="h1", gib=28), make_vm("in", on="h2", gib=28), make_vm("by", on="h3", gib=2)]
    pool = make_pool(hosts=hosts, vms=vms)
    return pool, plan_of(pool, ("out", "h3"), ("in", "h1"), ("by", "h4"))


def test_what_waits_for_a_held_step_is_left_with_it(case: Case) -> None:
    """No state on the way is another than the plan allows: who needs the room waits, who does not goes."""
    pool, plan = chain()
    assert [(step.vm, step.after) for step in plan.steps] == [("out", ()), ("by", ()), ("in", ("s01",))]
    live = ScriptedPool(pool)
    live.change("out", blocked_operations=BACKUP)
    result = execute(plan, live, case.options)
    assert (result.done, result.left) == (("s02",), ("s01", "s03"))
    assert [each.words for each in result.held][1] == "waits for s01"


def test_a_group_is_not_left_half_way(case: Case, pool: Pool) -> None:
    """Two VMs that share a host wait for each other: neither leaves while the other may have to stay."""
    policy = policy_of(together=[{"name": "pair", "vms": ["a", "b"]}])
    plan, live = plan_of(pool, ("a", "h2"), ("b", "h2"), ("c", "h3"), policy=policy), ScriptedPool(pool)
    live.change("b", blocked_operations=BACKUP)
    result = execute(plan, live, case.options)
    assert (result.done, result.left) == (("s03",), ("s01", "s02"))
    assert result.held[0].words == "would leave a group half-way without s02: its end would not be legal"
    live.change("b", blocked_operations={})
    assert resume(plan, live, case.options).complete


def test_a_run_with_left_steps_is_taken_up_or_back(case: Case, plan: Plan, pool: Pool) -> None:
    """The same plan goes on once the VM is free; or its way back takes back what was made, and only that."""
    live = ScriptedPool(pool)
    live.change("b", blocked_operations=BACKUP)
    execute(plan, live, case.options)
    back = undo(plan, live.read(), made_at=case.clock.now())
    assert {step.vm: step.target for step in back.steps} == {"a": "h1", "c": "h1"}
    live.change("b", blocked_operations={})
    assert resume(plan, live, case.options).complete
    assert Counter(live.sent) == Counter({("a", "h2"): 1, ("c", "h2"): 1, ("b", "h3"): 1})


def test_killed_while_it_waits_it_is_taken_up(
    tmp_path: Path, plan: Plan, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any call and line of the journal, most of them in the waiting: resumed, every step is made once."""
    point, whole = 0, False
    while not whole:
        point += 1
        live, case = WatchfulPool(pool), Case(tmp_path / str(point))
        freed_after(case, live, MINUTE, a=BACKUP)
        with monkeypatch.context() as patch:
            kill_at(point, live, patch)
            try:
                whole = execute(plan, live, case.options).complete
            except Killed:
                whole = False
        live.before_each = lambda _call: None
        live.unwatched = True
        try:
            assert resume(plan, live, case.options).complete
        except StoppedHalfWay:  # the call of which nobody knows whether it left
            assert StepState.UNKNOWN in {state for _, state in case.looks}
        assert max(Counter(live.sent).values(), default=0) <= 1
    assert point > 40


def test_asked_to_stop_while_it_waits_it_stops(case: Case, plan: Plan, pool: Pool) -> None:
    """Ctrl-C is not kept waiting for a backup."""
    live = ScriptedPool(pool)
    live.change("a", blocked_operations=BACKUP)
    case.clock.then = lambda seconds: case.stop.ask() if seconds > 5 * MINUTE else None
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        execute(plan, live, case.options)
    assert case.clock.seconds < 6 * MINUTE


class ThenClock(HandClock):
    """At which plans of `tests.plan.made` are fresh."""

    def now(self) -> Any:  # noqa: ANN401 - a time
        """Just after they were made, and what was slept since."""
        return MADE_THEN + timedelta(seconds=self.seconds)


class JudgedPool(ScriptedPool):
    """Holds every state in which a call leaves against the rules that hold at every step."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.pool)
        self.book, self.start = Rulebook.of(problem), problem.initial

    def migrate(self, vm_uuid: str, host_uuid: str, network_uuid: str | None = None) -> str:
        """As it would be once all that is on its way has arrived."""
        ref = super().migrate(vm_uuid, host_uuid, network_uuid)
        there = {vm.uuid: vm.scheduled_to_be_resident_on or vm.resident_on for vm in self.pool.resident_guests()}
        arrived = Placement({vm: host for vm, host in there.items() if host})
        assert self.book.violations(arrived, since=self.start, lasting=True) == ()
        return ref


@given(task=tasks(), data=st.data())
def test_in_whatever_order_backups_end_every_state_is_legal(
    tmp_path_factory: pytest.TempPathFactory, task: tuple[Problem, Placement], data: st.DataObject
) -> None:
    """Any VMs blocked for any time: all calls leave in legal states, and the end is legal or the plan's."""
    problem, goal = task
    order = find_order(Rulebook.of(problem), goal, seed=1)
    assume(isinstance(order, Order))
    assert isinstance(order, Order)
    plan, live = plan_along(problem, goal, order.migrations), JudgedPool(problem)
    case = Case(tmp_path_factory.mktemp("held"))
    case.clock = ThenClock()
    case.options = replace(case.options, clock=case.clock)
    ends = {step.vm: data.draw(st.sampled_from([0, 30, 90, 300, 10**6])) for step in plan.steps}
    for vm in ends:
        live.change(vm, blocked_operations=BACKUP)

    def free(now: float) -> None:
        for vm in (vm for vm, end in ends.items() if now >= end):
            live.change(vm, blocked_operations={})

    case.clock.then = free
    free(0)
    result = execute(plan, live, case.options)
    end = current_placement(live.pool)
    assert live.book.violations(end, since=live.start) == ()
    if 10**6 not in ends.values():
        assert result.complete
    if result.complete:
        assert end == goal
