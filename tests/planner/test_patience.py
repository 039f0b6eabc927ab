"""Who failed to move stays for load and for wishes, and moves where a hard rule is not kept otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rebalancer.export import plan_from_json, plan_json
from rebalancer.plan import Plan
from rebalancer.planner.rebalance import rebalance
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, MADE_AT, demand_of, pool_with
from tests.pools import policy_of, problem_of

FAILED = {
    "vm": "a",
    "failed_at": MADE_AT - timedelta(hours=12),
    "failed_with": "INTERNAL_ERROR",
    "until": MADE_AT + timedelta(hours=24),
}
HOME = {"a": ("h1", 4), "b": ("h2", 4), "c": ("h2", 4)}


def planned(problem: Problem) -> Plan:
    """A plan that its checker accepts, from its file, too."""
    plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    assert verify_plan(plan, problem.pool, now=LATER) == ()
    assert verify_plan(plan_from_json(plan_json(plan), "here"), problem.pool, now=LATER) == ()
    return plan


def moved(problem: Problem) -> set[str]:
    """The VMs that the plan moves."""
    return {step.vm for step in planned(problem).steps}


def asking(mode: str = "repair", *, cooling: bool = True, **policy: Any) -> Problem:  # noqa: ANN401 - any key of a policy
    """Three VMs on three roomy hosts, one of which failed to move last night."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, HOME)
    return problem_of(pool, policy=policy_of(mode=mode, cooling=[FAILED] if cooling else [], **policy))


def soft(section: str, *vms: str) -> dict[str, Any]:
    """A group that is a wish."""
    return {section: [{"name": "g", "vms": list(vms), "hard": False}]}


def test_a_wish_does_not_move_whom_it_would_move_otherwise() -> None:
    """A soft tie to another host waits until the VM is tried again; the plan names rule, failure, and the end of it."""
    tied: dict[str, Any] = {"run_on": [{"name": "g", "vms": ["a"], "hosts": ["h3"], "hard": False}]}
    assert moved(asking(cooling=False, **tied)) == {"a"}
    plan = planned(asking(**tied))
    assert plan.steps == ()
    (broken,) = plan.old_violations
    assert not broken.mended
    assert "a: is not tried: its move failed at " in broken.why_not
    assert "with INTERNAL_ERROR, and it is left alone until 2026-11-02 02:00 UTC [left-alone]" in broken.why_not
    assert any("VM a: its move failed" in words for words in plan.warnings)


def test_others_mend_a_wish_in_its_place() -> None:
    """Of two VMs that shall run together, the one that did not fail moves."""
    assert moved(asking(**soft("together", "a", "c"))) == {"c"}


@pytest.mark.parametrize("gib_of_b", [4, 16])
def test_a_hard_rule_moves_it_only_where_nobody_else_keeps_it(gib_of_b: int) -> None:
    """Two that must not share a host: the other one goes where it may, and where it may not, the one that failed."""
    pool = pool_with({"h1": 24, "h2": 8}, {"a": ("h1", 4), "b": ("h1", gib_of_b)})
    policy = policy_of(mode="repair", cooling=[FAILED], apart=[{"name": "g", "vms": ["a", "b"]}])
    assert moved(problem_of(pool, policy=policy)) == ({"b"} if gib_of_b == 4 else {"a"})


def test_something_hard_that_nothing_mends_does_not_set_it_free() -> None:
    """A rule that stays broken either way is no reason to try it for a wish."""
    pool = pool_with({"h1": 24, "h2": 24, "h3": 6}, {"a": ("h1", 4), "b": ("h2", 8), "c": ("h2", 8)})
    wishes = [{"name": "g", "vms": ["a"], "hosts": ["h2"], "hard": False}]
    stuck = {"apart": [{"name": "h", "vms": ["b", "c"]}], "never_move": ["b", "c"], "run_on": wishes}
    assert moved(problem_of(pool, policy=policy_of(mode="repair", **stuck))) == {"a"}
    plan = planned(problem_of(pool, policy=policy_of(mode="repair", cooling=[FAILED], **stuck)))
    assert (plan.steps, [each.mended for each in plan.old_violations]) == ((), [False, False])


def test_load_does_not_move_it_however_hot_its_host_is() -> None:
    """No amount of overload is worth a move that failed last night; others relieve the host."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 4)})
    demand = demand_of(pool, {"a": 90.0, "b": 9.0})
    assert moved(problem_of(pool, demand=demand, policy=policy_of())) == {"a"}
    assert moved(problem_of(pool, demand=demand, policy=policy_of(cooling=[FAILED]))) == {"b"}


@pytest.mark.parametrize("mode", ["repair", "evacuate"])
def test_a_host_that_is_emptied_is_left_by_it(mode: str) -> None:
    """An empty host is asked for by people."""
    assert moved(asking(mode, empty=["h1"])) == {"a"}


def test_only_a_failure_makes_a_vm_stay() -> None:
    """One that moved may move again where nothing else helps."""
    moved_then = {"vm": "a", "moved_at": FAILED["failed_at"], "until": FAILED["until"]}
    with pytest.raises(ValueError, match="stays goes with failed_at"):
        policy_of(cooling=[moved_then | {"stays": True}])
