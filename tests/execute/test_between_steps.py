"""What people do to the pool between two steps: waited for, or the run stops."""

from __future__ import annotations

import pytest

from rebalancer.errors import (
    StoppedHalfWay,
)
from rebalancer.execute import RunReporter, execute
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from tests.execute.case import Case, host
from tests.execute.scripted import ScriptedPool


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
