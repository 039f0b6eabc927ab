"""Plans that do not fit the pool any more: nothing is sent, and the sentence tells why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from rebalancer.errors import (
    IllegalPlan,
    StalePlan,
)
from rebalancer.execute import execute
from rebalancer.inventory import Pool
from rebalancer.plan import Plan, sealed
from rebalancer.policy import policy_digest
from tests.execute.case import Case, host, refusal
from tests.execute.scripted import Script, ScriptedPool
from tests.pools import make_vm


def shrinking(pool: Pool, vm: str) -> Pool:
    """*pool*, where somebody gave *vm* a dynamic range: a migration would take half of its memory."""
    memory = pool.vms[vm].memory
    cut = replace(memory, dynamic_min_bytes=memory.dynamic_min_bytes // 2)
    return replace(pool, vms={**pool.vms, vm: replace(pool.vms[vm], memory=cut)})


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
    "squeezed": (
        lambda pool: shrinking(pool, "a"),
        "a migration squeezes it to .* by now, and the plan does not say so",
    ),
    "halted": (lambda pool: replace(pool, vms={**pool.vms, "a": make_vm("a", on=None)}), "VM a does not run any more"),
}


@pytest.mark.parametrize("drift", STALE)
def test_a_stale_plan_moves_nothing_and_says_why(case: Case, plan: Plan, pool: Pool, drift: str) -> None:
    """A change that makes any step illegal stops before the first call, in words, and leaves no journal."""
    change, words = STALE[drift]
    live = ScriptedPool(change(pool))
    with pytest.raises(StalePlan, match=words):
        execute(plan, live, case.options)
    assert live.sent == []
    assert not case.journal.exists()


def test_a_workload_balancer_that_moves_nothing_stops_nobody(case: Case, plan: Plan, pool: Pool) -> None:
    """A server that the policy names is no other balancer; one that it does not name is, and is named."""
    execution = plan.policy.execution.model_copy(update={"quiet_wlb": ("wlb.example.com:8012",)})
    policy = plan.policy.model_copy(update={"execution": execution})
    made_from = replace(plan.made_from, policy=policy, policy_digest=policy_digest(policy))
    quiet = sealed(replace(plan, made_from=made_from))
    with pytest.raises(StalePlan, match=r"elsewhere:8012 may move VMs by itself; .*execution\.quiet_wlb"):
        execute(quiet, ScriptedPool(replace(pool, wlb_enabled=True, wlb_url="elsewhere:8012")), case.options)
    live = ScriptedPool(replace(pool, wlb_enabled=True, wlb_url="wlb.example.com:8012"))
    assert execute(quiet, live, case.options).complete


def test_an_expired_plan_is_stale(case: Case, plan: Plan, pool: Pool) -> None:
    """A day after it was made, by default, nothing is moved."""
    live = ScriptedPool(pool)
    case.clock.sleep(timedelta(hours=24).total_seconds())
    with pytest.raises(StalePlan, match="expired at 2026-03-02 01:00 UTC"):
        execute(plan, live, case.options)
    assert live.sent == []


def test_an_edited_plan_is_refused(case: Case, plan: Plan, pool: Pool) -> None:
    """A step with another target does not match the digest."""
    edited = replace(plan, steps=(replace(plan.steps[0], target="h3"), *plan.steps[1:]))
    changed = ScriptedPool(replace(pool, vms={**pool.vms, "new": make_vm("new", on="h3")}))
    for live in (ScriptedPool(pool), changed):
        with pytest.raises(IllegalPlan, match="edited"):
            execute(edited, live, case.options)


def test_a_step_that_xapi_refuses_before_anything_was_sent_makes_the_plan_stale(
    case: Case, plan: Plan, pool: Pool
) -> None:
    """XAPI's own dry run says no to the first step: nothing was sent, a new plan is needed."""
    live = ScriptedPool(pool, a=Script(refused=refusal("VM_LACKS_FEATURE", "a")))
    with pytest.raises(StalePlan, match=r"step s01, a from h1 to h2: XAPI refuses it \(VM_LACKS_FEATURE a\)"):
        execute(plan, live, case.options)
    assert live.sent == []
