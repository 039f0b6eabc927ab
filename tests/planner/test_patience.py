"""Who moved, or failed to, stays for load and for wishes, and moves where a hard rule is not kept otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rebalancer.export import plan_from_json, plan_json
from rebalancer.placement import Placement
from rebalancer.plan import Plan
from rebalancer.planner.patience import with_patience
from rebalancer.planner.rebalance import rebalance
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, MADE_AT, demand_of, goal_of, plan_along, plan_of, pool_with
from tests.pools import policy_of, problem_of
from tests.solve.tiny import BALANCING, accepted_by_checker, random_problem

FAILED = {
    "vm": "a",
    "failed_at": MADE_AT - timedelta(hours=12),
    "failed_with": "INTERNAL_ERROR",
    "until": MADE_AT + timedelta(hours=24),
}
MOVED = {"vm": "a", "moved_at": FAILED["failed_at"], "until": FAILED["until"]}
either = pytest.mark.parametrize("rests", [FAILED, MOVED], ids=["failed", "moved"])
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


@either
@pytest.mark.parametrize("gib_of_b", [4, 16])
def test_a_hard_rule_moves_it_only_where_nobody_else_keeps_it(gib_of_b: int, rests: dict[str, Any]) -> None:
    """Two that must not share a host: the other one goes where it may, and where it may not, the one that failed."""
    pool = pool_with({"h1": 24, "h2": 8}, {"a": ("h1", 4), "b": ("h1", gib_of_b)})
    policy = policy_of(mode="repair", cooling=[rests], apart=[{"name": "g", "vms": ["a", "b"]}])
    assert moved(problem_of(pool, policy=policy)) == ({"b"} if gib_of_b == 4 else {"a"})


def test_something_hard_that_nothing_mends_does_not_set_it_free() -> None:
    """A rule that stays broken either way is no reason to try it for a wish."""
    pool = pool_with({"h1": 24, "h2": 24, "h3": 6}, {"a": ("h1", 4), "b": ("h2", 8), "c": ("h2", 8)})
    wishes = [{"name": "g", "vms": ["a"], "hosts": ["h2"], "hard": False}]
    stuck = {"apart": [{"name": "h", "vms": ["b", "c"]}], "never_move": ["b", "c"], "run_on": wishes}
    assert moved(problem_of(pool, policy=policy_of(mode="repair", **stuck))) == {"a"}
    plan = planned(problem_of(pool, policy=policy_of(mode="repair", cooling=[FAILED], **stuck)))
    assert (plan.steps, [each.mended for each in plan.old_violations]) == ((), [False, False])


@either
def test_load_does_not_move_it_however_hot_its_host_is(rests: dict[str, Any]) -> None:
    """No amount of overload is worth a move so short after the last, or after its failure; others relieve the host."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 4)})
    demand = demand_of(pool, {"a": 90.0, "b": 9.0})
    assert moved(problem_of(pool, demand=demand, policy=policy_of())) == {"a"}
    assert moved(problem_of(pool, demand=demand, policy=policy_of(cooling=[rests]))) == {"b"}


def test_its_bound_and_its_stay_are_told_with_when_it_moved() -> None:
    """The host stays hot: nobody else can leave, and no bound is told without who was not to move."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 4)})
    demand, policy = demand_of(pool, {"a": 90.0, "b": 9.0}), policy_of(cooling=[MOVED], never_move=["b"])
    plan = planned(problem_of(pool, demand=demand, policy=policy))
    assert plan.steps == ()
    assert plan.reason.startswith(
        "proved: no placement that the rules allow with 1 VM that moved a short while ago left alone is better"
    )
    held = next(each for each in plan.left_alone if each.uuid == "a")
    assert (held.rule, held.fix) == (
        "left-alone",
        "wait until it has cooled down, or change limits.cool_down_hours",
    )
    assert held.words == (
        "is not moved again: it moved at 2026-10-31 14:00 UTC and cools down until 2026-11-02 02:00 UTC"
    )


def test_a_hard_rule_sets_nobody_else_free() -> None:
    """Of two that moved, the one that a hard rule needs moves, and the one on a hot host stays."""
    vms = {"a": ("h1", 4), "b": ("h1", 16), "c": ("h2", 4), "d": ("h2", 4)}
    pool = pool_with({"h1": 24, "h2": 13, "h3": 8}, vms)
    demand = demand_of(pool, {"c": 30.0, "d": 5.0})
    wanted: dict[str, Any] = {"apart": [{"name": "g", "vms": ["a", "b"]}], "never_move": ["d"]}
    resting = [MOVED, MOVED | {"vm": "c"}]
    assert moved(problem_of(pool, demand=demand, policy=policy_of(cooling=resting, **wanted))) == {"a"}


def test_hosts_sleep_although_their_vms_moved_this_morning() -> None:
    """They go to and fro as hosts sleep and wake; who failed to move keeps its host awake."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h2", 6)})
    asked: dict[str, Any] = {"demand": demand_of(pool, {"a": 1.0, "b": 1.0})}
    assert moved(problem_of(pool, policy=policy_of(mode="consolidate", cooling=[MOVED]), **asked)) in ({"a"}, {"b"})
    failed = policy_of(mode="consolidate", cooling=[FAILED], never_move=["b"])
    assert moved(problem_of(pool, policy=failed, **asked)) == set()


@pytest.mark.parametrize("seed", [2, 3, 5, 7, 8, 10])
def test_nothing_better_exists_that_keeps_them_where_they_are(seed: int) -> None:
    """Every tier equals brute force over all placements that leave both at home, proved."""
    problem, resting = random_problem(seed), ("v0", "v2")
    cooling = policy_of(cooling=[MOVED | {"vm": vm} for vm in resting]).cooling
    asked = make_problem(problem.pool, problem.demand, problem.policy.model_copy(update={"cooling": cooling}))
    patient, book = with_patience(Rulebook.of(asked)), Rulebook.of(problem)
    assert patient is not None
    goals = [Placement(dict(zip(problem.initial, hosts, strict=True))) for hosts in accepted_by_checker(problem)]
    kept = [goal for goal in goals if all(goal[vm] == problem.initial[vm] for vm in resting)]
    least = min(tuple(round(each.value(goal, book), 9) for each in BALANCING) for goal in kept)
    found = solve(patient)
    assert [tier.after for tier in found.tiers] == pytest.approx(least, abs=1e-9)
    assert all(tier.proved for tier in found.tiers)


@either
@pytest.mark.parametrize("mode", ["repair", "evacuate"])
def test_a_host_that_is_emptied_is_left_by_it(mode: str, rests: dict[str, Any]) -> None:
    """An empty host is asked for by people."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, HOME)
    assert moved(problem_of(pool, policy=policy_of(mode=mode, cooling=[rests], empty=["h1"]))) == {"a"}


def test_a_plan_of_an_earlier_version_that_moves_who_cools_down_is_legal() -> None:
    """Its policy says of nobody that he stays: he was a last resort then."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 4)})
    problem = problem_of(pool, demand=demand_of(pool, {"a": 90.0, "b": 9.0}), policy=policy_of(cooling=[MOVED]))
    earlier = plan_from_json(plan_json(plan_of(problem, goal_of(problem, a="h2"))), "here")
    assert verify_plan(earlier, pool, now=LATER) == ()
    stays = policy_of(cooling=[MOVED | {"stays": True}])
    now = problem_of(pool, demand=demand_of(pool, {"a": 90.0, "b": 9.0}), policy=stays)
    refused = verify_plan(
        plan_along(now, goal_of(now, a="h2"), [step.migration for step in earlier.steps]), pool, now=LATER
    )
    assert {each.rule for each in refused} >= {"left-alone"}
