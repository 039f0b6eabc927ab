"""Memory on the way: step by step, and the most in any order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given

from rebalancer.describe.course import hosts_at, step_of
from rebalancer.describe.figures import host_rows
from rebalancer.errors import InputError
from rebalancer.frames import course_frame
from rebalancer.inventory import Pool
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.plan import Plan, Step, sealed
from rebalancer.problem import Problem, make_problem, pool_at
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.memory_model import arrival_bytes, counts_xen_vcpu_pages, resident_bytes
from rebalancer.schedule.steps import steps_of
from rebalancer.units import gib
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, demand_of, goal_of, plan_of, pool_with, tasks
from tests.pools import problem_of


def chain() -> Problem:
    """`a` goes where `b` leaves for h3."""
    pool = pool_with({"h1": 10, "h2": 20, "h3": 10}, {"a": ("h1", 8), "b": ("h2", 8), "c": ("h3", 1)})
    return problem_of(pool, demand=demand_of(pool, {"a": 6.0, "b": 3.0}))


def chain_plan() -> Plan:
    """Both moves; they fit beside each other, so neither waits."""
    return plan_of(chain(), goal_of(chain(), a="h2", b="h3"))


def arriving(pool: Pool, vm: str) -> int:
    """What xapi wants free for a VM that comes."""
    return arrival_bytes(pool.vms[vm], xen_vcpu_pages=counts_xen_vcpu_pages(pool))


def test_a_step_says_what_its_hosts_hold() -> None:
    """The source holds the VM until it has left; the target holds it beside its own."""
    pool, step = chain().pool, chain_plan().steps[0]
    a, b = (resident_bytes(pool.vms[name]) for name in ("a", "b"))
    found = {each.host: (each.during_bytes, each.after_bytes) for each in step.hosts}
    assert (step.vm, found) == ("a", {"h1": (a, 0), "h2": (b + arriving(pool, "a"), a + b)})


def all_states(problem: Problem, steps: tuple[Step, ...]) -> Iterator[Mapping[str, int]]:
    """Bytes on each host in every state of every order that `after` allows, added up without any rule."""
    seen, waiting = set(), [(frozenset[str](), frozenset[str]())]
    while waiting:
        begun, done = waiting.pop()
        if (begun, done) in seen:
            continue
        seen.add((begun, done))
        yield held(problem, steps, begun, done)
        for step in steps:
            if step.id not in begun and done.issuperset(step.after):
                waiting.append((begun | {step.id}, done))
            if step.id in begun - done:
                waiting.append((begun, done | {step.id}))


def held(problem: Problem, steps: tuple[Step, ...], begun: frozenset[str], done: frozenset[str]) -> Mapping[str, int]:
    """Bytes on each host where some steps have begun and some of them are done."""
    found = dict.fromkeys(problem.pool.hosts, 0)
    for vm, host in problem.initial.host_of.items():
        found[host] += resident_bytes(problem.pool.vms[vm])
    for step in steps:
        if step.id in done:
            found[step.source] -= resident_bytes(problem.pool.vms[step.vm])
            found[step.target] += resident_bytes(problem.pool.vms[step.vm])
        elif step.id in begun:
            found[step.target] += arriving(problem.pool, step.vm)
    return found


@given(tasks(most_vms=5))
def test_no_order_holds_more_than_the_peak_and_some_order_holds_it(task: tuple[Problem, Placement]) -> None:
    """The peak of each host is the highest sum over all states, tried one by one."""
    problem, goal = task
    order = find_order(Rulebook.of(problem), goal, seed=1)
    if isinstance(order, Order):
        steps = steps_of(order.migrations, Rulebook.of(problem), [""] * len(order.migrations))
        states = list(all_states(problem, steps))
        for row in host_rows(Rulebook.of(problem), goal, steps):
            assert row.memory_peak_bytes == max(state[row.uuid] for state in states)


@given(tasks(most_vms=5))
def test_the_course_is_that_of_the_pool_after_each_step(task: tuple[Problem, Placement]) -> None:
    """From the plan alone come the figures that are read off a pool whose VMs were really moved so far."""
    problem, goal = task
    measured = make_problem(problem.pool, demand_of(problem.pool, {"v0": 5.0}), problem.policy)
    if not isinstance(find_order(Rulebook.of(measured), goal, seed=1), Order):
        return
    plan, placed = plan_of(measured, goal), dict(measured.initial.host_of)
    for step in plan.steps:
        placed[step.vm] = step.target
        moved = make_problem(pool_at(measured.pool, Placement(placed)), measured.demand, measured.policy)
        then = {each.uuid: each for each in hosts_at(plan, step)}
        for row in host_rows(Rulebook.of(moved), moved.initial, ()):
            after = then[row.uuid].after
            assert (after.vms, after.memory_used_bytes) == (row.before.vms, row.before.memory_used_bytes)
            assert after.peak_share == pytest.approx(row.before.peak_share, abs=1e-3)


def test_a_step_that_is_not_there_is_named() -> None:
    """With the names of those that are."""
    with pytest.raises(InputError, match=r"the plan has no such step\. Name one of s01 to s02"):
        step_of(chain_plan(), "s09")


def test_every_figure_is_verified() -> None:
    """A byte more or less at any step, on the way back or in a peak is refused, with the digest made anew."""
    plan, pool = chain_plan(), chain().pool
    assert verify_plan(plan, pool, now=LATER) == ()
    for edit in edits(plan):
        assert {each.rule for each in verify_plan(sealed(edit), pool, now=LATER)} == {"figures"}


def edits(plan: Plan) -> Iterator[Plan]:
    """The plan with one figure changed."""
    for field in ("during_bytes", "after_bytes"):
        for number in (0, 1):
            yield replace(plan, steps=(more(plan.steps[0], number, field), *plan.steps[1:]))
            yield replace(plan, rollback=(more(plan.rollback[0], number, field), *plan.rollback[1:]))
    row = plan.hosts[0]
    yield replace(plan, hosts=(replace(row, memory_peak_bytes=row.memory_peak_bytes - 1), *plan.hosts[1:]))


def more(step: Step, number: int, field: str) -> Step:
    """One byte more on one of the two hosts."""
    hosts = list(step.hosts)
    hosts[number] = replace(hosts[number], **{field: getattr(hosts[number], field) + 1})
    return replace(step, hosts=(hosts[0], hosts[1]))


def test_the_course_as_a_table_ends_where_the_plan_ends() -> None:
    """Every host at every step; the last rows are the plan's own figures."""
    plan = chain_plan()
    frame = course_frame(plan)
    told = frame.to_dict("index")
    assert len(frame) == len(plan.steps) * len(plan.hosts)
    for row in plan.hosts:
        last = told[(plan.steps[-1].id, row.name)]
        assert last["vms"] == len(row.after.vms)
        assert last["gib_after"] == pytest.approx(gib(row.after.memory_used_bytes), abs=1e-3)
        assert last["cpu_peak"] == pytest.approx(row.after.peak_share, abs=1e-3)
    assert (frame["gib_during"] <= frame["gib_total"]).all()


def test_no_steps_have_no_course() -> None:
    """An empty table with the same columns."""
    empty = course_frame(plan_of(chain(), chain().initial))
    columns = ["vms", "gib_during", "gib_after", "gib_total", "cpu_peak", "host_uuid"]
    assert (len(empty), list(empty.columns)) == (0, columns)
