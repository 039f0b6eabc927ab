"""Relations between steps: every order that they allow is legal, and they hold nothing up for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rebalancer.describe.concurrency import clashes
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.plan import Step
from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, Rulebook, rules_for
from rebalancer.schedule.steps import steps_of
from tests.plan.made import goal_of, order_of, pool_with, swap, tasks
from tests.pools import make_memory, problem_of


def steps_to(problem: Problem, goal: Placement) -> tuple[Step, ...]:
    """The steps of an order that surely exists."""
    migrations = order_of(problem, goal).migrations
    return steps_of(migrations, Rulebook.of(problem), [""] * len(migrations))


def relations(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """What each step waits for."""
    return [step.after for step in steps]


def play(problem: Problem, steps: Sequence[Step], choose: st.DataObject) -> bool:
    """Begin and end steps in an order that `after` allows and chance decides; whether each may begin when it does."""
    rules = [rule for rule in rules_for(problem) if isinstance(rule, PoolRule)]
    ledger = Rulebook(problem, rules).ledger(problem.initial)
    waiting, running, done = list(steps), list[Step](), set[str]()
    while waiting or running:
        ready = [step for step in waiting if done.issuperset(step.after)]
        step = choose.draw(st.sampled_from([*ready, *running]))
        if step in running:
            ledger.settle(step.vm, step.source)
            running.remove(step)
            done.add(step.id)
        else:
            if ledger.objections(step.vm, step.target):
                return False
            ledger.join(step.vm, step.target)
            waiting.remove(step)
            running.append(step)
    return True


def test_steps_that_share_nothing_wait_for_nothing() -> None:
    """Two moves between two pairs of hosts may run at once."""
    pool = pool_with({"h1": 10, "h2": 10, "h3": 10, "h4": 10}, {"a": ("h1", 8), "b": ("h3", 8)})
    problem = problem_of(pool)
    assert relations(steps_to(problem, goal_of(problem, a="h2", b="h4"))) == [(), ()]


def test_a_step_waits_for_no_room_that_it_does_not_need() -> None:
    """A VM leaves a host to which another comes: where both fit anyway, they may cross."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h2", 4)})
    problem = problem_of(pool)
    assert relations(steps_to(problem, goal_of(problem, a="h2", b="h1"))) == [(), ()]


def test_a_step_waits_for_as_much_room_as_it_needs() -> None:
    """Of two VMs that leave, the first alone makes enough room."""
    pool = pool_with({"h1": 20, "h2": 13, "h3": 20}, {"a": ("h1", 4), "b": ("h2", 5), "c": ("h2", 6)})
    problem = problem_of(pool)
    steps = steps_to(problem, goal_of(problem, a="h2", b="h3", c="h3"))
    assert {step.vm: step.after for step in steps}["a"] == ("s01",)


def test_a_step_waits_for_the_room_that_another_frees() -> None:
    """A chain of moves is a chain of relations."""
    pool = pool_with({"h1": 10, "h2": 10, "h3": 10}, {"a": ("h1", 8), "b": ("h2", 8)})
    problem = problem_of(pool)
    assert relations(steps_to(problem, goal_of(problem, a="h2", b="h3"))) == [(), ("s01",)]


def test_a_parked_vm_goes_on_after_it_was_parked() -> None:
    """The second migration of a hop waits, by way of the step in between, for the first."""
    problem = swap()
    assert relations(steps_to(problem, goal_of(problem, big="h2", small="h1"))) == [(), ("s01",), ("s02",)]


def test_two_newcomers_that_fit_one_by_one_wait_if_rounding_matters() -> None:
    """Xapi counts newcomers in whole MiB: where two at once would not fit, the second waits for the first to settle."""
    pool = pool_with({"h1": 20, "h2": 8.13}, {"a": ("h1", 4), "b": ("h1", 4)})
    odd = make_memory(4, dynamic_min_bytes=4 * 1024**3 - 1024**2 + 1)
    vms = {name: replace(vm, memory=odd) if name in {"a", "b"} else vm for name, vm in pool.vms.items()}
    problem = problem_of(replace(pool, vms=vms))
    steps = steps_to(problem, goal_of(problem, a="h2", b="h2"))
    assert not list(clashes(steps, Rulebook.of(problem)))


@given(tasks(), st.data())
def test_every_order_that_the_relations_allow_is_legal(task: tuple[Problem, Placement], data: st.DataObject) -> None:
    """Steps begin and end at random times, several at once: no limit is ever exceeded."""
    problem, goal = task
    order = find_order(Rulebook.of(problem), goal, seed=1)
    if isinstance(order, Order):
        steps = steps_of(order.migrations, Rulebook.of(problem), [""] * len(order.migrations))
        assert play(problem, steps, data)


@given(tasks())
def test_the_proof_accepts_what_the_planner_relates(task: tuple[Problem, Placement]) -> None:
    """The exact proof by minimum cuts agrees with the relations, which were made by another argument."""
    problem, goal = task
    order = find_order(Rulebook.of(problem), goal, seed=1)
    if isinstance(order, Order):
        steps = steps_of(order.migrations, Rulebook.of(problem), [""] * len(order.migrations))
        assert not list(clashes(steps, Rulebook.of(problem)))


@given(tasks(most_vms=6), st.data())
def test_the_proof_and_the_play_agree_on_loosened_relations(
    task: tuple[Problem, Placement], data: st.DataObject
) -> None:
    """Take a relation away: if the proof still accepts, no random play finds a limit exceeded."""
    problem, goal = task
    order = find_order(Rulebook.of(problem), goal, seed=1)
    if isinstance(order, Order) and order.migrations:
        steps = steps_of(order.migrations, Rulebook.of(problem), [""] * len(order.migrations))
        loose = data.draw(st.integers(0, len(steps) - 1))
        changed = [replace(step, after=()) if number == loose else step for number, step in enumerate(steps)]
        if not list(clashes(changed, Rulebook.of(problem))):
            assert play(problem, changed, data)


def test_a_missing_relation_is_found() -> None:
    """A step of a chain that no longer waits may begin too early, and the proof says by which rule."""
    pool = pool_with({"h1": 10, "h2": 10, "h3": 10}, {"a": ("h1", 8), "b": ("h2", 8)})
    problem = problem_of(pool)
    first, second = steps_to(problem, goal_of(problem, a="h2", b="h3"))
    found = list(clashes([first, replace(second, after=())], Rulebook.of(problem)))
    assert {(clash.step, clash.rule) for clash in found} == {("s02", "enough-memory"), ("s02", "memory-safety")}


def test_a_parked_vm_that_does_not_wait_is_found() -> None:
    """Two steps of one VM cannot run at once."""
    problem = swap()
    steps = steps_to(problem, goal_of(problem, big="h2", small="h1"))
    loose = [*steps[:2], replace(steps[2], after=())]
    assert "after" in {clash.rule for clash in clashes(loose, Rulebook.of(problem))}
