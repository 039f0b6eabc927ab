"""What people do to the pool between two steps: waited for, or the run stops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.errors import StalePlan, StoppedHalfWay
from rebalancer.execute import Ending, RunReporter, execute
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from tests.execute.case import DOWN, Case, host
from tests.execute.scripted import ScriptedPool


def test_a_vm_that_left_its_target_again_stops_the_run(case: Case, plan: Plan, pool: Pool) -> None:
    """Somebody moves the VM of a finished step on: the plan would not end where it says, and the sentence tells why."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: live.put("a", "h3") if call == "forget" and len(live.sent) == 1 else None
    with pytest.raises(StoppedHalfWay, match="VM a is on h3, not on h1"):
        execute(plan, live, case.options)


def test_a_busy_vm_is_waited_for(case: Case, plan: Plan, pool: Pool) -> None:
    """A snapshot of a VM that is to move ends in time: the plan goes on, and the reporter heard of the wait once."""
    live, waits = ScriptedPool(pool), list[str]()
    live.change("b", current_operations=("snapshot",))
    case.clock.then = lambda seconds: live.change("b", current_operations=()) if seconds > 40 else None

    class Waits(RunReporter):
        def step_waits(self, step: object, why: str) -> None:  # noqa: ARG002 - the interface's
            waits.append(why)

    assert execute(plan, live, replace(case.options, reporter=Waits())).complete
    assert waits == ["the VM is busy: snapshot"]


def test_a_vm_that_stays_busy_is_left(case: Case, plan: Plan, pool: Pool) -> None:
    """Patience has a limit, and nothing is sent for a VM that is busy; the others go on."""
    live = ScriptedPool(pool)
    live.change("b", current_operations=("snapshot",))
    result = execute(plan, live, case.options)
    assert (result.ending, result.left, live.sent) == (Ending.HELD, ("s02",), [("a", "h2"), ("c", "h2")])


def test_a_vm_moved_by_somebody_else_between_steps_stops_the_run(case: Case, plan: Plan, pool: Pool) -> None:
    """When the look before step 2 finds its VM on a third host, nothing more is sent."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: live.put("b", "h2") if call == "forget" else None
    with pytest.raises(StoppedHalfWay, match="runs on host h2, where this plan did not send it"):
        execute(plan, live, case.options)
    assert live.sent == [("a", "h2")]


@pytest.mark.parametrize(("to", "complete"), [("h2", True), ("h3", False)])
def test_a_vm_that_is_moved_while_xapi_is_asked_is_not_sent(
    case: Case, plan: Plan, pool: Pool, to: str, *, complete: bool
) -> None:
    """Somebody else brings it to its target: the step is done. To another host: the run stops. It is never sent."""
    live = ScriptedPool(pool)
    live.before_each = lambda call: live.put("a", to) if call == "assert_may_migrate" and not live.sent else None
    if complete:
        assert execute(plan, live, case.options).complete
    else:
        with pytest.raises(StalePlan, match="where this plan did not send it"):
            execute(plan, live, case.options)
    assert "a" not in dict(live.sent)


def test_a_pool_that_is_silent_between_question_and_call_is_read_again(case: Case, plan: Plan, pool: Pool) -> None:
    """While the look right before the call gets no answer, somebody turns Workload Balancing on: nothing is sent."""
    live, calls = ScriptedPool(pool), list[str]()

    def fall_silent(call: str) -> None:
        calls.append(call)
        if calls[-2:] == ["assert_may_migrate", "whereabouts"]:
            live.pool = replace(live.pool, wlb_enabled=True)
            raise DOWN

    live.before_each = fall_silent
    with pytest.raises(StalePlan, match="Workload Balancing is on"):
        execute(plan, live, case.options)
    assert live.sent == []


def test_a_host_disabled_between_steps_stops_the_run(case: Case, plan: Plan, pool: Pool) -> None:
    """What is left is verified again before each launch: the target of step 3 is gone, so step 2 is not started."""
    live = ScriptedPool(pool)

    def disable(call: str) -> None:
        if call == "forget":
            live.pool = host(live.pool, "h2", enabled=False)

    live.before_each = disable
    with pytest.raises(StoppedHalfWay, match="host h2 is disabled") as stopped:
        execute(plan, live, case.options)
    assert live.sent == [("a", "h2")]
    assert (stopped.value.done, stopped.value.left) == (1, 2)
