"""Whatever two plans say differently is told, and nothing is told of the same plan made later."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from rebalancer.diff.diff import plan_differences, pool_differences
from rebalancer.placement import Placement
from rebalancer.plan import HeldAsItIs, Plan, Schedule, Step, sealed
from rebalancer.policy import Policy
from rebalancer.problem import Problem, pool_at
from rebalancer.undo.partial import without_steps
from tests.plan.made import demand_of, goal_of, plan_of, pool_with
from tests.pools import policy_of, problem_of

OF_THE_CLOCK = {"made_at", "expires_at", "digest"}


def problem(policy: Policy | None = None) -> Problem:
    """Three hosts, one of them crowded."""
    pool = pool_with({"h1": 30, "h2": 30, "h3": 30}, {"a": ("h1", 4), "b": ("h1", 6), "c": ("h2", 4)})
    return problem_of(pool, policy=policy, demand=demand_of(pool, {"a": 3.0}))


def plan(policy: Policy | None = None, **moves: str) -> Plan:
    """The plan that makes *moves*."""
    wanted = problem(policy)
    return plan_of(wanted, goal_of(wanted, **moves), tiers=("overload",))


def words(first: Plan, second: Plan, kind: str) -> list[str]:
    """The differences of one kind."""
    return [each.words for each in plan_differences(first, second) if each.kind == kind]


def test_the_same_plan_made_later_is_no_difference() -> None:
    """Times of making and expiry, and so the digest, do not count."""
    one = plan(a="h2")
    later = sealed(
        replace(one, made_at=one.made_at + timedelta(hours=1), expires_at=one.expires_at + timedelta(hours=1))
    )
    assert later.digest != one.digest
    assert plan_differences(one, later) == ()


def test_steps_are_told_by_what_they_do() -> None:
    """Steps that one plan lacks, and VMs that go elsewhere, with hosts by name."""
    assert words(plan(a="h2", b="h3"), plan(a="h3", c="h1"), "step") == [
        "a goes h1 -> h3 instead of h1 -> h2",
        "only the first moves b h1 -> h3",
        "only the second moves c h2 -> h1",
    ]


def test_order_and_waits_are_told() -> None:
    """The same steps at another turn, and a step that waits for another one."""
    one = plan(a="h2", b="h3")
    first, second = one.steps
    turned = replace(one, steps=(replace(second, id="s01"), replace(first, id="s02")))
    (told,) = words(one, turned, "order")
    assert told.endswith(("is step s01 instead of s02", "is step s02 instead of s01"))
    waiting = replace(one, steps=(first, replace(second, after=("s01",))))
    (told,) = words(one, waiting, "order")
    assert told.endswith(f"waits for {first.vm_name} to {first.target_name} instead of nothing")


def test_a_turn_that_has_the_same_id_is_told_without_it_twice() -> None:
    """A step that another one has overtaken under its old id is never told to be a step instead of itself."""
    one = plan(a="h2", b="h3")
    first, second = one.steps
    (told,) = words(one, replace(one, steps=(second, first)), "order")
    assert told.endswith(
        ("is step s01 as before, but after other steps", "is step s02 as before, but after other steps")
    )


def test_policy_and_objectives_are_told_with_their_values() -> None:
    """The key and both values; the objective before, after, and how good that is."""
    one = plan(a="h2")
    assert words(one, plan(policy_of(limits={"maximum_moves": 3}), a="h2"), "policy") == [
        "policy: limits.maximum_moves is 3 instead of nothing"
    ]
    (tier,) = one.tiers
    worse = replace(one, tiers=(replace(tier, after=9.5, proved=False, bound=2.0),))
    (told,) = words(one, worse, "objective")
    assert "9.5 pCPU-hours (none below 2)" in told
    assert words(one, replace(one, tiers=()), "objective") == ["only the first improves overload"]


def test_a_vm_that_starts_elsewhere_is_told() -> None:
    """Made from another state of the pool: which VM was where."""
    moved = problem()
    there = replace(moved, pool=pool_at(moved.pool, goal_of(moved, c="h3")), initial=goal_of(moved, c="h3"))
    other = plan_of(there, goal_of(there, a="h2"), tiers=("overload",))
    assert words(plan(a="h2"), other, "pool") == ["made from another state of the pool"]
    (told,) = words(plan(a="h2"), other, "start")
    assert told.endswith("starts on h3 instead of on h2")


@pytest.mark.parametrize(
    "name", [each.name for each in fields(Plan) if each.name not in {*OF_THE_CLOCK, "srs", "missing", "held"}]
)
def test_no_part_of_a_plan_differs_silently(name: str) -> None:
    """Whatever part is another, something is said."""
    one = plan(a="h2", b="h3")
    value = getattr(one, name)
    assert plan_differences(one, replace(one, **{name: another(value)}))


def test_what_only_one_plan_holds_is_told() -> None:
    """Which host or VM, and why; whichever of the two plans holds it, or both for other reasons."""
    one = plan(a="h2")
    dead = HeldAsItIs(kind="host", uuid="h3", name="h3", guests=1, words="is not live", fix="")
    holding = replace(one, held=(dead,))
    mute = replace(one, held=(replace(dead, words="does not say how many CPUs it has"),))
    assert words(one, holding, "end") == ["only the second holds host h3 as it is: it is not live"]
    assert words(holding, one, "end") == ["only the first holds host h3 as it is: it is not live"]
    assert words(holding, mute, "end") == ["the second holds host h3 as it is: it does not say how many CPUs it has"]


@pytest.mark.parametrize("name", [field.name for field in fields(Step) if field.name not in {"disks", "crossing"}])
def test_no_part_of_a_step_differs_silently(name: str) -> None:
    """The name of a step aside, which nothing depends on but relations, and its turn."""
    one = plan(a="h2", b="h3")
    first, second = one.steps
    changed = replace(second, **{name: another(getattr(second, name))})
    assert bool(plan_differences(one, replace(one, steps=(first, changed)))) is (name != "id")


def another(value: Any) -> Any:  # noqa: ANN401 - any part of a plan
    """Something else of the same kind."""
    match value:
        case str():
            return value + "x"
        case tuple():
            return value[:-1] if value else ("x",)
        case int() | float():
            return value + 1
        case None:
            return "x"
        case Schedule():
            return replace(value, seconds=value.seconds + 1)
    return replace(value, seed=99) if hasattr(value, "seed") else None


def test_a_pool_that_changed_is_told_and_one_that_did_not_is_not() -> None:
    """Of the pool that the plan was made from nothing is said; of a VM that went elsewhere, that it did."""
    made, pool = plan(a="h2"), problem().pool
    assert pool_differences(made, pool) == ()
    gone = pool_at(pool, Placement({**made.before.host_of, "c": "h3"}))
    assert [(each.kind, each.words) for each in pool_differences(made, gone)] == [("drift", "VM c is on h3, not on h2")]
    (foreign,) = pool_differences(made, replace(pool, uuid="other", name="another pool"))
    assert (foreign.kind, "not for another pool" in foreign.words) == ("pool", True)


def test_how_hosts_end_and_how_long_it_takes_is_told() -> None:
    """With a VM less to move: each host that ends otherwise, with both figures, and the time."""
    told = words(plan(a="h2", b="h3"), plan(a="h2"), "end")
    assert len([each for each in told if each.startswith("h3 ends with ") and " instead of " in each]) == 1
    assert any(each.startswith("takes about ") for each in told)


def test_a_part_is_called_one() -> None:
    """From both sides, with what was left out and why; the parts that follow from it fit one line."""
    whole = plan(a="h2", b="h3")
    left = without_steps(whole, [whole.steps[0].id], problem().pool, reason="not tonight")
    gone = whole.steps[0]
    assert words(whole, left, "part") == ["the second is an approved part of the first"]
    assert words(left, whole, "part") == ["the first is an approved part of the second"]
    without = f"does without {gone.vm_name} to {gone.target_name}: not tonight [left-out]"
    assert f"only the second {without}" in words(whole, left, "end")
    assert f"only the first {without}" in words(left, whole, "end")
    assert len(words(whole, left, "other")) == 1
