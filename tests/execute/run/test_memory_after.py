"""Memory after steps: squeezed VMs have theirs back, hosts hold what was predicted; else it is said, no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rebalancer.errors import StoppedHalfWay, Unreachable
from rebalancer.execute import execute
from rebalancer.execute.journal.entries import Noticed
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.units import GIB
from rebalancer.xapi import GuestMemory, TaskStatus
from tests.execute.case import TIMEOUTS, Case
from tests.execute.hearing import Noticing
from tests.execute.scripted import Script, ScriptedPool, plan_of
from tests.pools import make_host, make_memory, make_metrics, make_pool, make_vm, policy_of

ALLOWED = policy_of(squeeze={"unknown_use": "allow"}, execution={"stop_after_failures": 1})
HOSTS = [make_host(name) for name in ("h1", "h2", "h3")]


@pytest.fixture
def pool() -> Pool:
    """VM a has 4 GiB and may be cut to 1 GiB; b and c are of one size."""
    memory = make_memory(4, dynamic_min_bytes=GIB)
    flexible = make_vm("a", memory=memory, metrics=make_metrics(memory_actual_bytes=4 * GIB))
    return make_pool(hosts=HOSTS, vms=[flexible, make_vm("b"), make_vm("c")])


@pytest.fixture
def plan(pool: Pool) -> Plan:
    """It moves a to h2 and b to h3."""
    return plan_of(pool, ("a", "h2"), ("b", "h3"), policy=ALLOWED)


def has(live: ScriptedPool, gib: float) -> None:
    """Let VM a have so much memory."""
    live.change("a", metrics=make_metrics(memory_actual_bytes=int(gib * GIB)))


def squeezing(live: ScriptedPool, *, then: Callable[[], None] = lambda: None) -> ScriptedPool:
    """Let the migration of VM a cut it, and *then* happen when its task is forgotten."""

    def hear(call: str) -> None:
        if call == "task" and len(live.sent) == 1:
            has(live, 1)
        if call == "forget" and len(live.sent) == 1:
            then()

    live.before_each = hear
    return live


def test_nothing_is_said_of_a_vm_that_has_its_memory_back(case: Case, plan: Plan, pool: Pool) -> None:
    """Its host gives it back within seconds; a few MiB are no matter."""
    live, told = squeezing(ScriptedPool(pool)), Noticing()
    case.clock.then = lambda seconds: has(live, 3.95) if seconds > 10 else None
    result = execute(plan, live, replace(case.options, reporter=told))
    assert (result.complete, result.noticed, told.heard) == (True, (), [])


@pytest.mark.parametrize(
    ("target", "advice"),
    [
        (4 * GIB, "look at the balloon driver in the guest"),
        (2 * GIB, "its host lets it have 2.0 GiB: look what else runs there"),
    ],
)
def test_a_vm_that_stays_squeezed_is_told_everywhere(
    case: Case, plan: Plan, pool: Pool, target: int, advice: str
) -> None:
    """The others go on; a minute later journal, reporter and result say it, and nothing was sent to mend it."""
    live, told = squeezing(ScriptedPool(pool)), Noticing()
    live.targets["a"] = target
    result = execute(plan, live, replace(case.options, reporter=told))
    ((step, words),) = told.heard
    assert result.complete
    assert step == "s01"
    assert words.startswith("a: the migration squeezed it, and ")
    assert words.endswith(f" s later it has 1.0 GiB of the 4.0 GiB that it had; {advice}")
    assert result.noticed == (f"s01 {words}",)
    assert words in str(result)
    assert result.as_json()["noticed"] == result.noticed
    assert [(each.step, each.words) for each in case.entries if isinstance(each, Noticed)] == told.heard
    assert TIMEOUTS.memory <= case.clock.seconds < TIMEOUTS.memory + 20
    assert live.sent == [("a", "h2"), ("b", "h3")]


def test_a_vm_whose_migration_failed_is_looked_at_too(case: Case, plan: Plan, pool: Pool) -> None:
    """It runs where it was, and nobody may give it back what it lost: that is said before the run stops."""
    live = ScriptedPool(pool, a=Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "End_of_file"), lands="h1"))
    told = Noticing()
    squeezing(live)
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, replace(case.options, reporter=told))
    assert "it has 1.0 GiB of the 4.0 GiB that it had" in told.heard[0][1]


def test_another_dynamic_range_is_told(case: Case, plan: Plan, pool: Pool) -> None:
    """Whoever narrows it to get a VM over leaves it less for good."""
    live, told = ScriptedPool(pool), Noticing()
    narrow = make_memory(4, dynamic_min_bytes=GIB, dynamic_max_bytes=GIB)
    squeezing(live, then=lambda: live.change("a", memory=narrow))
    execute(plan, live, replace(case.options, reporter=told))
    assert told.heard[0][1].startswith(
        "a: its dynamic range was 1.0 GiB to 4.0 GiB before the migration, and is 1.0 GiB to 1.0 GiB; "
    )


def test_a_vm_of_one_size_is_not_asked_about(case: Case, pool: Pool) -> None:
    """Nothing squeezes it."""
    live, asked = ScriptedPool(pool), list[str]()
    live.before_each = asked.append
    assert execute(plan_of(pool, ("b", "h3"), policy=ALLOWED), live, case.options).complete
    assert "memory" not in asked


def test_a_silent_pool_fails_no_run_that_is_done(case: Case, plan: Plan, pool: Pool) -> None:
    """What nobody could look at is said, and all steps stay done."""
    live = squeezing(ScriptedPool(pool))
    told = Noticing()

    class Mute(ScriptedPool):
        """Answers all but one question."""

        def memory(self, vm_uuid: str) -> GuestMemory:
            """No answer."""
            raise Unreachable("https://h1", f"no answer about {vm_uuid}", "Wait")

    live = Mute(pool)
    result = execute(plan, live, replace(case.options, reporter=told))
    assert result.complete
    assert "nobody knows whether it got back the memory that the migration took" in told.heard[0][1]


def test_asked_to_stop_it_waits_for_no_memory(case: Case, plan: Plan, pool: Pool) -> None:
    """One last look, whose answer is told."""
    live, told = ScriptedPool(pool), Noticing()
    squeezing(live, then=case.stop.ask)
    with pytest.raises(StoppedHalfWay, match="asked to stop"):
        execute(plan, live, replace(case.options, reporter=told))
    assert len(told.heard) == 1
    assert case.clock.seconds < TIMEOUTS.memory / 2


def test_hosts_that_hold_what_was_predicted_are_not_told(case: Case, pool: Pool) -> None:
    """Whatever differed when the run began was told then."""
    plan = plan_of(pool, ("b", "h2"), ("c", "h3"), policy=ALLOWED)
    more = replace(pool, vms={**pool.vms, "new": make_vm("new", on="h3", gib=8)})
    result = execute(plan, ScriptedPool(more), case.options)
    assert (result.complete, result.noticed) == (True, ())
    assert "VM new runs on h3 and did not run before" in result.differences


def test_a_host_that_holds_something_else_is_told_once(case: Case, pool: Pool) -> None:
    """Somebody starts a VM on a target half-way: legal, and not what was reviewed."""
    plan = plan_of(pool, ("b", "h2"), ("c", "h3"), policy=ALLOWED)
    live = ScriptedPool(pool)
    new = make_vm("new", on="h2", gib=8)

    def hear(call: str) -> None:
        if call == "forget" and len(live.sent) == 1:
            live.pool = replace(live.pool, vms={**live.pool.vms, "new": new})

    live.before_each = hear
    result = execute(plan, live, case.options)
    assert result.complete
    (words,) = result.noticed
    assert words.startswith("the VMs on host h2 hold 10")
    assert "was predicted: others came, left or were resized" in words
