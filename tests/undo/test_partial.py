"""Parts of plans: what is left without some steps, and what has to go with them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rebalancer.errors import IllegalPlan, InputError, StalePlan
from rebalancer.inventory import Pool
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.plan import Plan, StepKind, sealed
from rebalancer.problem import Problem, pool_at
from rebalancer.rules import Rulebook
from rebalancer.undo.kept_ids import with_ids_of
from rebalancer.undo.partial import without_steps
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, demand_of, goal_of, plan_of, pool_with, swap, tasks
from tests.planner.parts import named, part, three, whole
from tests.pools import problem_of


def test_a_step_that_nobody_needs_is_left_out() -> None:
    """The others are made, the VM stays, and the plan says who left it out of which plan, and why."""
    found = part("c")
    assert [step.vm for step in found.steps] == ["b", "a"]
    assert [step.id for step in found.steps] == [named(whole(), "b"), named(whole(), "a")]
    assert found.steps[1].after == (found.steps[0].id,)
    assert found.predicted.host_of == goal_of(three(), a="h2", b="h3").host_of
    assert [(each.vm_name, each.target_name, each.rule, each.words) for each in found.missing] == [
        ("c", "h3", "left-out", "not tonight")
    ]
    assert found.made_from.part_of == whole().digest != found.digest
    assert found.summary.startswith("Incomplete, 1 move is missing: 2 steps, ")


def test_who_was_left_out_on_a_hot_host_is_not_said_to_be_better_off_there() -> None:
    """Of VMs that stay on a hot host, the one that somebody left out says so."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 2), "b": ("h1", 2), "c": ("h1", 2)})
    problem = problem_of(pool, demand=demand_of(pool, {"a": 6.0, "b": 7.0, "c": 8.0}))
    found = part("b", pool=pool, plan=plan_of(problem, goal_of(problem, a="h2", b="h3"), tiers=("balance",)))
    held = {each.name: (each.rule, each.words) for each in found.left_alone}
    assert held["b"] == ("left-out", "was to go to h3; the plan does without: not tonight")
    assert held["c"][0] == "does-not-pay"


def test_a_part_is_as_old_as_the_whole() -> None:
    """Approving a part does not make the metrics younger: it expires with the whole plan."""
    found = part("c")
    assert (found.made_at, found.expires_at) == (whole().made_at, whole().expires_at)
    assert found.made_from.metrics == whole().made_from.metrics


def test_steps_of_a_part_are_called_as_in_the_whole_plan() -> None:
    """Whoever says `leave s02 out` and then `what of s03?` means the step that the whole plan calls so."""
    of_whole = {(step.vm, step.source, step.target): step.id for step in whole().steps}
    for left in (part("c"), part("a"), part("a", "b"), part("a", "c")):
        assert [of_whole[step.vm, step.source, step.target] for step in left.steps] == [step.id for step in left.steps]
        assert verify_plan(left, three().pool, now=LATER) == ()


def test_a_step_of_a_part_stands_once_and_has_an_id() -> None:
    """Ids that somebody made up, or that stand twice, are found although nobody counts them."""
    found = part("c")
    for name in (found.steps[1].id, "x", "s1", "r01"):
        first = replace(found.steps[0], id=name)
        edited = sealed(replace(found, steps=(first, *found.steps[1:])))
        assert "form" in {each.rule for each in verify_plan(edited, three().pool, now=LATER)}


def test_a_part_verifies_against_what_was_measured() -> None:
    """Its figures are made from the rounded ones of the whole plan, and are those of the metrics all the same."""
    for left in (part("c"), part("a"), part("a", "c")):
        assert verify_plan(left, three().pool, three().demand, now=LATER) == ()


def test_what_depends_on_a_step_has_to_go_with_it() -> None:
    """`a` finds no room where `b` stays: it is named with the rule and with what to type."""
    with pytest.raises(InputError) as error:
        part("b")
    step = named(whole(), "a")
    assert f"other steps cannot be made: {step} (a): " in str(error.value)
    assert "[enough-memory]" in str(error.value)
    assert [step.vm for step in part("a", "b").steps] == ["c"]
    assert str(error.value).count("--without") == 2


def test_nothing_left_is_no_plan() -> None:
    """Asked for at once, or in the end."""
    with pytest.raises(InputError, match="no step would be left"):
        part("a", "b", "c")
    two = plan_of(three(), goal_of(three(), a="h2", b="h3"))
    with pytest.raises(InputError, match="Nothing would be left"):
        part("b", plan=two)


def test_a_step_that_is_not_there_is_no_step() -> None:
    """Named with those that are."""
    with pytest.raises(InputError, match="the plan has no such step"):
        without_steps(whole(), ["s77"], three().pool, reason="x")


def test_parking_goes_where_it_is_no_longer_needed() -> None:
    """Of a swap with a hop one half is left: it goes straight to where it was to end."""
    problem = swap()
    plan = plan_of(problem, goal_of(problem, big="h2", small="h1"))
    with pytest.raises(InputError):
        part("small", plan=plan, pool=problem.pool)
    assert {step.kind for step in plan.steps} == set(StepKind)


def test_a_step_without_its_hop_is_called_after_where_it_leads() -> None:
    """The id is that of the step that brings the VM to its host; a step that the plan never had comes after all."""
    problem = swap()
    plan = plan_of(problem, goal_of(problem, big="h2", small="h1"))
    parked, home = (step for step in plan.steps if step.vm == next(s.vm for s in plan.steps if s.kind is StepKind.HOP))
    straight = replace(home, id="s01", source=parked.source, source_name=parked.source_name, after=())
    other = replace(straight, id="s02", vm="new", after=("s01",))
    assert [(step.id, step.after) for step in with_ids_of(plan, (straight, other))] == [
        (home.id, ()),
        (f"s{len(plan.steps) + 1:02}", (home.id,)),
    ]


def test_who_only_steps_aside_is_not_left_out_alone() -> None:
    """`a` and `b` swap once `c` has stepped aside: without it nothing can be made, and it is not parked."""
    sizes = {"a": ("h1", 3), "b": ("h2", 3), "c": ("h1", 1)}
    problem = problem_of(pool_with({"h1": 7, "h2": 6}, sizes))
    plan = plan_of(problem, goal_of(problem, a="h2", b="h1"))
    assert [step.kind for step in plan.steps if step.vm == "c"][:1] == [StepKind.HOP]
    with pytest.raises(InputError, match="a VM that is left out would be parked"):
        part("c", plan=plan, pool=problem.pool)


def test_a_pool_that_changed_has_no_part() -> None:
    """Whatever is ordered anew is ordered for the pool that the plan knew."""
    moved = pool_at(three().pool, Placement({**three().initial.host_of, "c": "h2"}))
    with pytest.raises(StalePlan, match="VM c is on h2"):
        part("c", pool=moved)


def test_an_edited_plan_has_no_part() -> None:
    """The whole plan is verified first."""
    edited = sealed(replace(whole(), summary="all is well"))
    with pytest.raises(IllegalPlan, match="summary"):
        part("c", plan=edited)


def test_what_is_said_to_be_left_out_is_verified() -> None:
    """A VM that the plan moves after all is not left out."""
    found = part("c")
    first = found.missing[0]
    for edit in (replace(first, vm="a", vm_name="a", target="h2", target_name="h2"), replace(first, target_name="h9")):
        assert {
            each.rule for each in verify_plan(sealed(replace(found, missing=(edit,))), three().pool, now=LATER)
        } >= {"missing"}


def needed(plan: Plan, name: str, pool: Pool) -> list[str]:
    """The step *name*, or what is said to go with it; nothing where nothing would be left."""
    try:
        without_steps(plan, [name], pool, reason="x")
    except InputError as error:
        return re.findall(r"--without (s\d+)", error.remedy)
    return [name]


@given(tasks(most_vms=6), st.data())
def test_every_part_leads_where_the_whole_leads(task: tuple[Problem, Placement], data: st.DataObject) -> None:
    """Legal, no VM elsewhere, none parked elsewhere; what is refused is possible with what is said to go, too."""
    problem, goal = task
    assume(isinstance(find_order(Rulebook.of(problem), goal, seed=1), Order))
    plan = plan_of(problem, goal)
    assume(len(plan.steps) > 1)
    name = data.draw(st.sampled_from([step.id for step in plan.steps]))
    names = needed(plan, name, problem.pool)
    assume(names)
    left = without_steps(plan, names, problem.pool, reason="x")
    parked = {(step.vm, step.target) for step in plan.steps if step.kind is StepKind.HOP}
    gone = {step.vm for step in plan.steps if step.id in names}
    assert verify_plan(left, problem.pool, now=LATER) == ()
    assert all(left.predicted[vm] == (problem.initial if vm in gone else goal)[vm] for vm in problem.initial)
    assert {(step.vm, step.target) for step in left.steps if step.kind is StepKind.HOP} <= parked
