"""Plans that were made before shared names were told apart are proven as ever; a mark of another VM is refused."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.plan import Plan, Step, sealed
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, goal_of, plan_of, pool_with
from tests.pools import problem_of

ONE, OTHER = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "ab")
PROBLEM = problem_of(
    replace(
        (POOL := pool_with({"h1": 20, "h2": 20}, {ONE: ("h1", 4), OTHER: ("h1", 4)})),
        vms={uuid: replace(vm, name="web") if vm.is_guest else vm for uuid, vm in POOL.vms.items()},
    )
)
PLAN = plan_of(PROBLEM, goal_of(PROBLEM, **{ONE: "h2"}))


def called(name: str) -> Plan:
    """The plan with its VM called *name*."""

    def renamed(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(replace(step, vm_name=name) for step in steps)

    return sealed(replace(PLAN, steps=renamed(PLAN.steps), rollback=renamed(PLAN.rollback)))


def test_plans_without_marks_are_proven_and_wrong_marks_are_not() -> None:
    """The VM may be called by its name, with its mark or without; not by the mark of another one of that name."""
    names = ("web (aaaaaaaa)", "web", "web (bbbbbbbb)")
    found = [verify_plan(called(name), PROBLEM.pool, None, now=LATER) for name in names]
    assert PLAN.steps[0].vm_name == names[0]
    assert found[:2] == [(), ()]
    assert "steps[0].vm_name is 'web (bbbbbbbb)', and should be 'web (aaaaaaaa)'" in [each.words for each in found[2]]
