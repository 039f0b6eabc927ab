"""Runs with several migrations at once, against a scripted pool: limits, relations, troubles."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.errors import RefusedByXapi, StalePlan, StoppedHalfWay, Unreachable
from rebalancer.execute import Ending, RunReporter, StopSignal, execute, resume
from rebalancer.execute.journal.entries import Intended, Looked, RunEnded, Sent
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.plan import Plan, Step
from rebalancer.planner.compose import compose
from rebalancer.policy import LimitsPolicy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution
from rebalancer.xapi import TaskStatus
from tests.execute.case import Case
from tests.execute.scripted import MADE_AT, Script, plan_of
from tests.execute.watchful import MOVES, WIDE, WatchfulPool, wide_plan, wide_pool
from tests.plan.made import tasks
from tests.pools import make_host, make_pool, make_vm, policy_of


@pytest.fixture
def pool() -> Pool:
    """VMs a to d on three of six hosts."""
    return wide_pool()


def step_of(plan: Plan, vm: str) -> Step:
    """The step of a VM."""
    return next(step for step in plan.steps if step.vm == vm)


def test_as_many_as_the_limits_allow_run_at_once(case: Case, pool: Pool) -> None:
    """Three are on the way before the first has ended, the fourth follows; every call is made once."""
    live = WatchfulPool(pool)
    result = execute(wide_plan(pool), live, case.options)
    assert result.complete
    assert sorted(live.sent) == sorted(MOVES)
    assert max(crowd for crowd, _, _ in live.crowds) == 3
    assert result.differences == ()
    kinds = [type(each) for each in case.entries]
    assert kinds[1:7] == [Intended, Sent, Intended, Sent, Intended, Sent]


def test_one_at_a_time_is_one_at_a_time(case: Case, pool: Pool) -> None:
    """With `concurrent = 1` a look stands between any two calls."""
    live = WatchfulPool(pool)
    assert execute(wide_plan(pool, concurrent=1), live, case.options).complete
    assert {crowd for crowd, _, _ in live.crowds} == {1}


def test_a_step_is_launched_as_soon_as_there_is_room(case: Case, pool: Pool) -> None:
    """The fourth does not wait for the slowest of the first three."""
    live = WatchfulPool(pool, a=Script(polls=40), b=Script(polls=2))
    plan = wide_plan(pool)
    execute(plan, live, case.options)
    at = {(type(each), each.step): each.at for each in case.entries if isinstance(each, Intended | Looked)}
    last, slow = plan.steps[-1], step_of(plan, "a")
    assert at[Intended, last.id] < at[Looked, slow.id]


@given(tasks(), st.data())
def test_every_run_keeps_limits_and_rules(
    tmp_path_factory: pytest.TempPathFactory, task: tuple[Problem, Placement], data: st.DataObject
) -> None:
    """Random pools, limits and lengths of migrations: all arrive, each is sent once, nothing is ever too crowded."""
    problem, goal = task
    limits = data.draw(st.fixed_dictionaries({name: st.integers(1, 4) for name in WIDE}))
    plan = random_plan(problem, goal, limits)
    if plan is None:
        return
    scripts = {
        vm: [Script(polls=data.draw(st.integers(0, 5))) for step in plan.steps if step.vm == vm]
        for vm in {step.vm for step in plan.steps}
    }
    live, case = WatchfulPool(problem.pool, **scripts), Case(tmp_path_factory.mktemp("run"))
    assert execute(plan, live, case.options).complete
    assert Counter(live.sent) == Counter((step.vm, step.target) for step in plan.steps)
    assert all(crowd <= limits["concurrent"] for crowd, _, _ in live.crowds)
    assert all(out <= limits["out_per_host"] for _, out, _ in live.crowds)
    assert all(into <= limits["in_per_host"] for _, _, into in live.crowds)


def random_plan(problem: Problem, goal: Placement, limits: dict[str, int]) -> Plan | None:
    """The plan to *goal* under *limits*; None where there is no order or nothing to do."""
    policy = problem.policy.model_copy(update={"limits": LimitsPolicy(**limits)})
    wide = make_problem(problem.pool, None, policy)
    order = find_order(Rulebook.of(wide), goal, seed=1)
    if not isinstance(order, Order) or not order.migrations:
        return None
    solution = Solution(placement=goal, outcome="optimal", reason="for a test")
    return compose(Rulebook.of(wide), solution, order.migrations, MADE_AT)


def test_a_step_that_fails_lets_the_others_end_and_begins_nothing_more(case: Case, pool: Pool) -> None:
    """The second of three stays on its source: the others arrive and are looked at; no fourth is sent."""
    plan = wide_plan(pool)
    first, failing, third, fourth = plan.steps
    live = WatchfulPool(pool, **{first.vm: Script(polls=40), third.vm: Script(polls=40)})
    live.scripts[failing.vm] = [
        Script(status=TaskStatus.FAILURE, error=("VM_MIGRATE_FAILED",), lands=failing.source),
    ]
    with pytest.raises(StoppedHalfWay, match=f"{failing.vm} from {failing.source}") as stopped:
        execute(plan, live, case.options)
    assert fourth.vm not in dict(live.sent)
    assert dict(case.looks) == {first.id: StepState.MOVED, failing.id: StepState.STAYED, third.id: StepState.MOVED}
    assert stopped.value.done == 2
    assert isinstance(case.entries[-1], RunEnded)


def test_two_steps_that_fail_are_both_told(case: Case, pool: Pool) -> None:
    """One VM halts, another that is on its way stays: the sentence names both."""
    plan = wide_plan(pool)
    halts, stays, *_ = plan.steps
    live = WatchfulPool(pool, **{halts.vm: Script(status=TaskStatus.FAILURE, lands=None)})
    failed = Script(polls=5, status=TaskStatus.FAILURE, error=("VM_MIGRATE_FAILED",), lands=stays.source)
    live.scripts[stays.vm] = [failed]
    told = f"{halts.vm} from {halts.source} to {halts.target}: the VM is halted.*{stays.vm} from {stays.source}"
    with pytest.raises(StoppedHalfWay, match=told):
        execute(plan, live, case.options)


class Asking(RunReporter):
    """Asks to stop once two migrations are under way, up to `times` times."""

    def __init__(self, stop: StopSignal, times: int) -> None:
        self.stop, self.times, self.seen = stop, times, set[str]()

    def step_progress(self, step: Step, progress: float) -> None:  # noqa: ARG002 - the interface's
        """Count, and ask."""
        self.seen.add(step.id)
        if len(self.seen) > 1 and self.stop.asked < self.times:
            self.stop.ask()


def test_asked_once_all_that_is_on_its_way_ends(case: Case, pool: Pool) -> None:
    """Ctrl-C: what was sent arrives, the rest is not begun; `resume` makes it."""
    plan, live = wide_plan(pool, concurrent=2), WatchfulPool(pool)
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        execute(plan, live, replace(case.options, reporter=Asking(case.stop, 1)))
    assert len(live.sent) == 2
    assert {state for _, state in case.looks} == {StepState.MOVED}
    case.stop.asked = 0
    assert resume(plan, live, case.options).complete
    assert sorted(live.sent) == sorted(MOVES)


def test_asked_twice_all_that_is_on_its_way_is_cancelled(case: Case, pool: Pool) -> None:
    """Ctrl-C twice: every running task is cancelled, every VM is looked at."""
    live = WatchfulPool(pool, **{vm: Script(polls=50) for vm in "abcd"})
    with pytest.raises(StoppedHalfWay, match="TASK_CANCELLED"):
        execute(wide_plan(pool, concurrent=2), live, replace(case.options, reporter=Asking(case.stop, 2)))
    assert len(live.cancelled) == len(live.sent) == 2
    assert {state for _, state in case.looks} == {StepState.STAYED}


def test_what_fits_before_the_deadline_is_made(case: Case, pool: Pool) -> None:
    """Of four equal steps, two at once, with time for one round: two are made, two are left."""
    plan = wide_plan(pool, concurrent=2)
    deadline = case.clock.now() + timedelta(seconds=plan.steps[0].seconds + 1)
    live = WatchfulPool(pool, **{vm: Script(polls=40) for vm in "abcd"})
    result = execute(plan, live, replace(case.options, deadline=deadline))
    assert (result.ending, len(result.done), len(result.left)) == (Ending.DEADLINE, 2, 2)


def test_a_step_that_waited_beyond_its_time_is_not_sent(case: Case, pool: Pool) -> None:
    """Its VM is busy until it would end after the deadline: nothing is sent, and the step is left."""
    plan = plan_of(pool, ("a", "h4"))
    live = WatchfulPool(pool)
    live.change("a", current_operations=("snapshot",))
    case.clock.then = lambda seconds: live.change("a", current_operations=()) if seconds == 50 else None
    deadline = case.clock.now() + timedelta(seconds=plan.steps[0].seconds + 5)
    result = execute(plan, live, replace(case.options, deadline=deadline))
    assert (result.ending, result.left, live.sent) == (Ending.HELD, ("s01",), [])


def test_a_retry_that_would_be_late_is_not_made_and_the_refusal_stands(case: Case, pool: Pool) -> None:
    """Refused for a passing reason, there is no time for the retry: nothing is sent, and it is said why."""
    plan = plan_of(pool, ("a", "h4"))
    busy = RefusedByXapi("VM.assert_operation_valid", "OTHER_OPERATION_IN_PROGRESS", ["host"])
    live = WatchfulPool(pool, a=[Script(refused=busy), Script()])
    deadline = case.clock.now() + timedelta(seconds=plan.steps[0].seconds + 5)
    with pytest.raises(StalePlan, match="OTHER_OPERATION_IN_PROGRESS"):
        execute(plan, live, replace(case.options, deadline=deadline))
    assert (live.sent, case.looks) == ([], [("s01", StepState.REFUSED)])


def test_a_failed_migration_without_time_for_another_stops_the_run(case: Case, pool: Pool) -> None:
    """It was sent, it failed for a passing reason, a retry would be late: people hear which VM stayed, and why."""
    plan = plan_of(pool, ("a", "h4"))
    failed = Script(status=TaskStatus.FAILURE, error=("VMS_FAILED_TO_COOPERATE", "a"), lands="h1")
    live = WatchfulPool(pool, a=[failed, Script()])
    deadline = case.clock.now() + timedelta(seconds=plan.steps[0].seconds + 5)
    with pytest.raises(StoppedHalfWay, match="VMS_FAILED_TO_COOPERATE"):
        execute(plan, live, replace(case.options, deadline=deadline))
    assert (len(live.sent), case.looks) == (1, [("s01", StepState.STAYED)])


def test_a_pool_that_fell_silent_is_looked_at_again_before_sending(case: Case, pool: Pool) -> None:
    """While XAPI does not answer, somebody turns Workload Balancing on: the look from before that counts no more."""
    live = WatchfulPool(pool)

    def fall_silent(call: str) -> None:
        if call == "assert_may_migrate" and case.clock.seconds < 20:
            live.pool = replace(live.pool, wlb_enabled=True)
            raise Unreachable("the pool", "no answer in time", "Wait")

    live.before_each = fall_silent
    with pytest.raises(StalePlan, match="Workload Balancing is on"):
        execute(plan_of(pool, ("a", "h4")), live, case.options)
    assert live.sent == []


def test_drift_while_others_are_on_their_way_is_judged_with_them(case: Case, pool: Pool) -> None:
    """A VM appears on the target of a step that waits for its lane: what flies arrives, that step is not sent."""
    plan = wide_plan(pool, concurrent=2)
    live = WatchfulPool(pool, **{vm: Script(polls=4) for vm in "abc"})
    last = plan.steps[-1]
    calls = Counter[str]()

    def grow(call: str) -> None:
        calls[call] += 1
        if call == "task" and calls[call] == 1:
            live.pool = replace(live.pool, vms={**live.pool.vms, "new": make_vm("new", on=last.target, gib=58)})

    live.before_each = grow
    with pytest.raises(StoppedHalfWay, match="VM new runs on"):
        execute(plan, live, case.options)
    assert last.vm not in [vm for vm, _ in live.sent]
    assert {state for _, state in case.looks} == {StepState.MOVED}


def test_a_room_that_a_flying_vm_will_take_is_not_given_away(case: Case) -> None:
    """A host with room for one newcomer at a time gets the second only once the first has left room elsewhere."""
    hosts = [make_host("h1"), make_host("h2"), make_host("h3")]
    vms = [make_vm("a", on="h1", gib=30), make_vm("b", on="h2", gib=40), make_vm("c", on="h3", gib=4)]
    pool = make_pool(hosts=hosts, vms=vms)
    plan = plan_of(pool, ("b", "h3"), ("a", "h2"), policy=policy_of(limits=WIDE))
    live = WatchfulPool(pool)
    assert execute(plan, live, case.options).complete
    assert live.sent == [("b", "h3"), ("a", "h2")]
    assert {crowd for crowd, _, _ in live.crowds} == {1}
