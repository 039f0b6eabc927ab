"""A proof that is carried over says what a new one would say, and is made anew where anything else has changed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.errors import IllegalPlan, StalePlan
from rebalancer.execute import execute
from rebalancer.execute.judge import proof
from rebalancer.execute.judge.fitness import assert_legal_from_here
from rebalancer.execute.judge.proof import Prover
from rebalancer.inventory import Pool
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.plan import Plan
from rebalancer.problem import Problem, pool_at
from rebalancer.rules import Rulebook
from tests.execute.case import Case
from tests.execute.scripted import HandClock, Script
from tests.execute.watchful import WatchfulPool, wide_plan, wide_pool
from tests.plan.made import MADE_AT, plan_along, tasks
from tests.pools import make_host, make_vm


@pytest.fixture
def pool() -> Pool:
    """VMs a to d on three of six hosts."""
    return wide_pool()


@pytest.fixture
def proven(pool: Pool) -> Prover:
    """A plan that was proven at the start."""
    made = Prover(wide_plan(pool))
    made.assert_legal((), pool)
    assert made.made == 1
    return made


def step_of(plan: Plan, vm: str) -> str:
    """The id of the step of a VM."""
    return next(step.id for step in plan.steps if step.vm == vm)


def changed(pool: Pool, vm: str, **changes: Any) -> Pool:  # noqa: ANN401 - any field of a VM
    """*pool* with another VM."""
    return replace(pool, vms={**pool.vms, vm: replace(pool.vms[vm], **changes)})


def under_way(pool: Pool, vm: str, target: str) -> Pool:
    """*pool* while a VM goes to a host, as XAPI marks both."""
    marked = changed(pool, vm, scheduled_to_be_resident_on=target, current_operations=("pool_migrate",))
    host = replace(pool.hosts[target], current_operations=("vm_migrate",))
    return replace(marked, hosts={**pool.hosts, target: host})


def test_what_the_plan_does_needs_no_new_proof(pool: Pool, proven: Prover) -> None:
    """A step on its way, arrived, done, and another on its way: the first proof covers them all."""
    a, b = step_of(proven.plan, "a"), step_of(proven.plan, "b")
    flying = under_way(pool, "a", "h4")
    proven.assert_legal((), flying, {a})
    arrived = pool_at(pool, Placement({"a": "h4"}))
    proven.assert_legal((), arrived, {a})
    proven.assert_legal({a}, arrived)
    proven.assert_legal({a}, under_way(arrived, "b", "h5"), {b})
    assert proven.made == 1


def test_what_hinders_one_step_is_asked_of_it_alone(pool: Pool, proven: Prover) -> None:
    """A backup of a VM that is still to move is no reason to prove anything."""
    busy = changed(pool, "a", current_operations=("snapshot",), blocked_operations={"pool_migrate": "backup"})
    proven.assert_legal((), busy)
    assert proven.made == 1


ELSE: dict[str, Callable[[Pool], Pool]] = {
    "another VM moved": lambda pool: pool_at(pool, Placement({"b": "h6"})),
    "a VM left the host to which it was brought": lambda pool: pool_at(pool, Placement({"a": "h2"})),
    "a VM is under way whose step was not sent": lambda pool: under_way(pool, "b", "h5"),
    "a VM is tagged": lambda pool: changed(pool, "c", tags=("x",)),
    "a VM has another name": lambda pool: changed(pool, "c", name="other"),
    "a new VM": lambda pool: replace(pool, vms={**pool.vms, "new": make_vm("new", on="h6")}),
    "a VM is gone": lambda pool: replace(pool, vms={uuid: vm for uuid, vm in pool.vms.items() if uuid != "d"}),
    "a new host": lambda pool: replace(pool, hosts={**pool.hosts, "new": make_host("new")}),
    "a host is busy": lambda pool: replace(
        pool, hosts={**pool.hosts, "h6": replace(pool.hosts["h6"], current_operations=("vm_migrate",))}
    ),
    "a host is off": lambda pool: replace(pool, hosts={**pool.hosts, "h6": replace(pool.hosts["h6"], enabled=False)}),
    "HA is on": lambda pool: replace(pool, ha=replace(pool.ha, enabled=True)),
    "the pool is tagged": lambda pool: replace(pool, tags=("x",)),
    "storage is gone": lambda pool: replace(pool, srs={}),
}


@pytest.mark.parametrize("name", ELSE)
def test_whatever_else_changes_is_proven_anew(pool: Pool, proven: Prover, name: str) -> None:
    """Whether that proof finds anything or not."""
    a = step_of(proven.plan, "a")
    now = pool_at(pool, Placement({"a": "h4"}))
    proven.assert_legal({a}, now)
    other = ELSE[name](now)
    assert said(proven, {a}, other) == said_anew(proven.plan, {a}, other)
    assert proven.made == 2 or proven._last is None


def said(made: Prover, done: Collection[str], pool: Pool) -> object:
    """What a proof says, or against it."""
    try:
        return made.assert_legal(done, pool)
    except (StalePlan, IllegalPlan) as error:
        return str(error)


def said_anew(plan: Plan, done: Collection[str], pool: Pool) -> object:
    """What a new proof says."""
    try:
        return assert_legal_from_here(plan, done, pool)
    except (StalePlan, IllegalPlan) as error:
        return str(error)


def test_after_a_proof_that_failed_all_is_proven_anew(pool: Pool, proven: Prover) -> None:
    """Even where the pool is as it was before."""
    ill = replace(pool, wlb_enabled=True)
    for _ in range(2):
        with pytest.raises(StalePlan):
            proven.assert_legal((), ill)
    proven.assert_legal((), pool)
    assert proven.made == 2


class Then(HandClock):
    """A clock at which plans of `tests.plan.made` are fresh."""

    def now(self) -> datetime:
        """Just after they were made, and what was slept since."""
        return MADE_AT + timedelta(seconds=self.seconds)


@given(tasks(), st.data())
def test_a_run_is_told_what_proofs_before_each_step_would_tell(
    tmp_path_factory: pytest.TempPathFactory, task: tuple[Problem, Placement], data: st.DataObject
) -> None:
    """Random pools and plans, steps that overlap in any way: wherever no proof is made, one would find the same."""
    problem, goal = task
    order = find_order(Rulebook.of(problem), goal, seed=1)
    if not isinstance(order, Order) or not order.migrations:
        return
    plan = plan_along(problem, goal, order.migrations)
    scripts = {step.vm: Script(polls=data.draw(st.integers(0, 5))) for step in plan.steps}
    live, case = WatchfulPool(problem.pool, **scripts), Case(tmp_path_factory.mktemp("proof"))
    carried = list[object]()
    follows = proof.follows

    def held_against(before: proof.PlanProgress, now: proof.PlanProgress) -> bool:
        found = follows(before, now)
        if found:
            carried.append(assert_legal_from_here(now.plan, now.done, now.pool, now.flying))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "follows", held_against)
        result = execute(plan, live, replace(case.options, clock=Then()))
    assert result.complete
    assert set(carried) <= {result.differences}
    assert len(carried) == len(plan.steps)
