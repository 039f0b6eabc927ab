"""Where no order of all moves is found: the largest legal prefix, and what it says of itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given

from rebalancer.errors import NoLegalOrder
from rebalancer.order.order import Deadlock, find_order
from rebalancer.placement import Placement
from rebalancer.plan import Plan, sealed
from rebalancer.planner.compose import compose
from rebalancer.planner.prefix import best_prefix, incomplete
from rebalancer.planner.rebalance import OTHERS_CUT_SHORT, rebalance
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution
from rebalancer.verify.verify import verify_plan
from tests.order.stuck import WANTED, stuck
from tests.plan.made import LATER, MADE_AT, demand_of, goal_of, pool_with, tasks
from tests.planner.insists import Insists
from tests.pools import policy_of, problem_of


def partial(problem: Problem, monkeypatch: pytest.MonkeyPatch, **moves: str) -> Plan:
    """The plan for *problem* where the solver insists on *moves*."""
    solver = Insists(problem, goal_of(problem, **(moves or WANTED)), objectives=("repair", "balance"))
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    return rebalance(Rulebook.of(problem), made_at=MADE_AT)


def test_what_can_be_made_is_planned_and_the_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The move that helps is made; both of the swap are missing, each with the rule that holds it."""
    plan = partial(stuck(), monkeypatch)
    assert [step.vm for step in plan.steps] == ["hot"]
    assert [(each.vm_name, each.target_name) for each in plan.missing] == [("big", "h2"), ("small", "h1")]
    assert {each.rule for each in plan.missing} <= {"enough-memory", "memory-safety"}
    assert (plan.outcome, plan.summary.startswith("Incomplete, 2 moves are missing: 1 step, ")) == ("incomplete", True)
    assert plan.reason.startswith("1 of the 3 moves that were found: no order in which all of them are legal")


def test_an_incomplete_plan_verifies_like_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps, end, figures and the way back are those of the prefix, not of what was wanted."""
    problem = stuck()
    plan = partial(problem, monkeypatch)
    assert verify_plan(plan, problem.pool, problem.demand, now=LATER) == ()
    assert plan.predicted.host_of == goal_of(problem, hot="h4").host_of
    assert all(tier.before >= tier.after >= tier.bound for tier in plan.tiers)
    assert [step.vm for step in plan.rollback] == ["hot"]


def test_no_bound_is_claimed_below_a_tier_that_came_out_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds of later objectives hold where the earlier ones come out as the solver had them, not else."""
    broken = stuck(apart=[{"name": "web", "vms": ["big", "idle"]}])
    plan = partial(broken, monkeypatch)
    repair, balance = plan.tiers
    assert (repair.after, repair.bound, repair.proved) == (1, 0, False)
    assert (balance.bound, balance.proved) == (0, False)


def test_half_a_group_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A VM that may go, but belongs together with one that cannot, stays: without the group it is moved."""
    moves = {"hot": "h2", "big": "h2", "small": "h1"}
    assert [step.vm for step in partial(stuck(), monkeypatch, **moves).steps] == ["hot"]
    with pytest.raises(NoLegalOrder):
        partial(stuck(together=[{"name": "pair", "vms": ["hot", "big"]}]), monkeypatch, **moves)


def test_what_gains_too_little_is_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy's minimum gain binds here, too: then the error says what has no order."""
    with pytest.raises(NoLegalOrder, match="no legal order for moving big"):
        partial(stuck(limits={"minimum_gain_pcpu_hours": 10_000}), monkeypatch)


def test_a_limit_that_parking_would_exceed_leaves_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a hop too many GiB would be copied: the part without the swap stays within the limit."""
    pool = pool_with(
        {"h1": 20, "h2": 20, "h3": 16, "h4": 5},
        {"big": ("h1", 12), "small": ("h2", 10), "hot": ("h3", 2), "warm": ("h3", 2)},
    )
    demand = demand_of(pool, {"hot": 9.0, "warm": 9.0})
    tight = problem_of(pool, demand=demand, policy=policy_of(limits={"maximum_gib": 25}))
    plan = partial(tight, monkeypatch)
    assert [step.vm for step in plan.steps] == ["hot"]
    assert verify_plan(plan, pool, tight.demand, now=LATER) == ()


def test_no_time_is_left_for_another_placement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once solving has taken several times what the policy gives it, the solver is not asked again."""
    problem = stuck()
    solver = Insists(problem, goal_of(problem, **WANTED), objectives=("repair", "balance"))
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    monkeypatch.setattr("rebalancer.planner.rebalance.OVERTIME", 0.0)
    assert rebalance(Rulebook.of(problem), made_at=MADE_AT).missing
    assert len(solver.asked) == 1


@pytest.mark.parametrize(("seconds", "told"), [(0.0, True), (math.inf, False)])
def test_the_clock_that_ends_the_search_for_others_is_named(
    monkeypatch: pytest.MonkeyPatch, seconds: float, *, told: bool
) -> None:
    """However the placement in hand was found: with more time another one might have been tried."""
    problem = stuck()
    solver = Insists(problem, goal_of(problem, **WANTED), objectives=("repair", "balance"))
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    plan = rebalance(Rulebook.of(problem), made_at=MADE_AT, most_seconds=seconds)
    assert plan.missing
    assert (OTHERS_CUT_SHORT in plan.warnings, len(solver.asked) == 1) == (told, told)


def edits(plan: Plan) -> Iterator[Plan]:
    """The plan with something else said of what is missing."""
    first, *others = plan.missing
    yield replace(plan, missing=())
    yield replace(plan, outcome="improved")
    for field in ("vm", "vm_name", "target", "target_name", "rule", "words"):
        yield replace(plan, missing=(replace(first, **{field: "h4"}), *others))


def test_what_is_said_of_missing_moves_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another entry, another reason, none at all, or another outcome: each is refused, with the digest made anew."""
    problem = stuck()
    found = [verify_plan(sealed(edit), problem.pool, now=LATER) for edit in edits(partial(problem, monkeypatch))]
    assert all("missing" in {finding.rule for finding in each} for each in found)


def evacuation(problem: Problem) -> Problem:
    """The same pool, with its first host to be emptied: every VM that leaves it is worth something."""
    policy = policy_of(mode="evacuate", empty=["h0"], rules={"set": "enforced"})
    return make_problem(problem.pool, None, policy)


@given(tasks(most_vms=7))
def test_every_prefix_is_a_legal_plan(task: tuple[Problem, Placement]) -> None:
    """Whatever deadlocks, what is made of it verifies, leaves fewer VMs on the host, and tells what is missing."""
    problem, goal = evacuation(task[0]), task[1]
    order = find_order(Rulebook.of(problem), goal, seed=1)
    if not isinstance(order, Deadlock):
        return
    wanted = Solution(placement=goal, outcome="evacuated", reason="")
    prefix = best_prefix(order.ways, wanted, Rulebook.of(problem))
    if prefix:
        chosen = incomplete(prefix, goal, Rulebook.of(problem))
        plan = compose(Rulebook.of(problem), chosen, prefix.migrations, MADE_AT)
        assert verify_plan(plan, problem.pool, now=LATER) == ()
        assert len(plan.predicted.vms_by_host().get("h0", ())) < len(problem.initial.vms_by_host()["h0"])
        made = {step.vm for step in plan.steps} | {each.vm for each in plan.missing}
        assert made == {move.vm for move in problem.initial.moves_to(goal)}
