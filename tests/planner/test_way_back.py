"""The way back: legal, complete, or honest about what stays."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.planner.way_back import way_back
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, goal_of, plan_of, pool_with, swap, tasks
from tests.pools import policy_of, problem_of


def test_the_way_back_undoes_the_steps_from_the_last() -> None:
    """A chain is walked back in the opposite order, and every VM comes home."""
    pool = pool_with({"h1": 10, "h2": 10, "h3": 10}, {"a": ("h1", 8), "b": ("h2", 8)})
    problem = problem_of(pool)
    plan = plan_of(problem, goal_of(problem, a="h2", b="h3"))
    assert [(step.id, step.vm, step.target) for step in plan.rollback] == [("r01", "a", "h1"), ("r02", "b", "h2")]
    assert plan.no_way_back == ()


def test_the_way_back_of_a_swap_parks_again() -> None:
    """What needed a hop on the way there needs one on the way back."""
    problem = swap()
    plan = plan_of(problem, goal_of(problem, big="h2", small="h1"))
    assert [(step.vm, step.target) for step in plan.rollback] == [("small", "h3"), ("big", "h1"), ("small", "h2")]


def test_no_way_leads_back_to_a_disabled_host() -> None:
    """A VM may leave a disabled host and not come back: the plan says so, with the rule."""
    pool = pool_with({"h1": 10, "h2": 10}, {"a": ("h1", 4)})
    pool = replace(pool, hosts={**pool.hosts, "h1": replace(pool.hosts["h1"], enabled=False)})
    problem = problem_of(pool)
    plan = plan_of(problem, goal_of(problem, a="h2"))
    assert plan.rollback == ()
    assert [(each.name, each.rule) for each in plan.no_way_back] == [("a", "target-enabled")]
    assert "VM a has no legal way back: h1 is disabled [target-enabled]" in plan.warnings
    assert verify_plan(plan, pool, now=LATER) == ()


def test_wishes_do_not_bar_the_way_back() -> None:
    """An evacuation can be undone although the policy wants the host empty; the way back restores what was."""
    pool = pool_with({"h1": 10, "h2": 10}, {"a": ("h1", 4)})
    problem = problem_of(pool, policy=policy_of(mode="evacuate", empty=["h1"]))
    plan = plan_of(problem, goal_of(problem, a="h2"))
    assert [(step.vm, step.target) for step in plan.rollback] == [("a", "h1")]
    assert verify_plan(plan, pool, now=LATER) == ()


def test_who_is_stranded_steps_aside_on_the_way_back() -> None:
    """A may not return to its disabled host, and ends where the plan brought it, once the others are home."""
    sizes = {"a": ("h0", 4.0), "big": ("h1", 12.0), "small": ("h2", 7.0)}
    pool = pool_with({"h0": 6, "h1": 20, "h2": 18, "h3": 5}, sizes)
    pool = replace(pool, hosts={**pool.hosts, "h0": replace(pool.hosts["h0"], enabled=False)})
    problem = problem_of(pool)
    plan = plan_of(problem, goal_of(problem, a="h1", big="h2", small="h1"))
    back = [(step.vm, step.target, str(step.kind)) for step in plan.rollback]
    assert back[0] == ("a", "h3", "hop")
    assert back[-1] == ("a", "h1", "move")
    assert [each.name for each in plan.no_way_back] == ["a"]
    assert verify_plan(plan, pool, now=LATER) == ()


@given(tasks())
def test_every_way_back_is_verified(task: tuple[Problem, Placement]) -> None:
    """Whatever the pool, the plan with its way back is accepted by the verifier."""
    problem, goal = task
    if isinstance(find_order(Rulebook.of(problem), goal, seed=1), Order):
        plan = plan_of(problem, goal)
        assert verify_plan(plan, problem.pool, now=LATER) == ()
        back = {step.vm for step in plan.rollback} | {each.uuid for each in plan.no_way_back}
        assert back >= {move.vm for move in problem.initial.moves_to(goal)}


def test_no_steps_have_no_way_back() -> None:
    """Nothing to undo."""
    problem = swap()
    assert way_back((), Rulebook.of(problem), seed=1) == ((), ())
