"""Hosts that refuse the VM of a step, as plans tell and verifying checks them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.inventory import Pool
from rebalancer.plan import Plan, RefusedHosts, sealed
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, demand_of, goal_of, plan_of, pool_with
from tests.pools import policy_of, problem_of

PINNED = [{"name": "pin", "vms": ["a"], "hosts": ["h1", "h2"]}]


def pool() -> Pool:
    """Four hosts; h4 has hardly any room, which refuses nobody: it may have some later."""
    return pool_with({"h1": 40, "h2": 30, "h3": 30, "h4": 1}, {"a": ("h1", 8), "b": ("h1", 8)})


@pytest.fixture
def plan() -> Plan:
    """A, which may be on h1 and h2, goes to h2; b, which may be anywhere, goes to h3."""
    problem = problem_of(pool(), demand=demand_of(pool(), {"a": 4.0}), policy=policy_of(run_on=PINNED))
    return plan_of(problem, goal_of(problem, a="h2", b="h3"))


def test_hosts_stand_by_the_rule_that_refuses_first(plan: Plan) -> None:
    """In the order of the pool; the source is not asked, nor room."""
    found = {step.vm: step.refused for step in plan.steps}
    (pinned,) = found["a"] or ()
    assert (pinned.rule, pinned.hosts) == ("must-run-on", ("h3", "h4"))
    assert "pin" in pinned.words
    assert found["b"] == ()
    assert all(step.refused is None for step in plan.rollback)


@pytest.mark.parametrize(
    "told",
    [
        (),
        (RefusedHosts(rule="must-run-on", words="because", hosts=("h3", "h4")),),
        (RefusedHosts(rule="same-vendor", words="because", hosts=("h3",)),),
    ],
    ids=["nobody", "words", "rule"],
)
def test_what_is_told_is_checked(plan: Plan, told: tuple[RefusedHosts, ...]) -> None:
    """Other rules, hosts or words, or none for one step: verifying names the place. Plans that tell of no step pass."""
    demand = demand_of(pool(), {"a": 4.0})
    assert verify_plan(plan, pool(), demand, now=LATER) == ()
    number = next(number for number, step in enumerate(plan.steps) if step.vm == "a")
    steps = list(plan.steps)
    for refused in (told, None):
        steps[number] = replace(plan.steps[number], refused=refused)
        findings = verify_plan(sealed(replace(plan, steps=tuple(steps))), pool(), demand, now=LATER)
        assert f"steps[{number}].refused" in findings[0].words
    untold = sealed(replace(plan, steps=tuple(replace(step, refused=None) for step in plan.steps)))
    assert verify_plan(untold, pool(), demand, now=LATER) == ()


def test_capacities_are_checked(plan: Plan) -> None:
    """A host that is said to be larger is not; plans without any pass."""
    demand = demand_of(pool(), {"a": 4.0})
    assert {row.cpu_capacity_pcpu for row in plan.hosts} == {16.0}
    first, *others = plan.hosts
    larger = sealed(replace(plan, hosts=(replace(first, cpu_capacity_pcpu=32.0), *others)))
    (finding,) = verify_plan(larger, pool(), demand, now=LATER)
    assert finding.words == "hosts[0].cpu_capacity_pcpu is 32.0, and should be 16.0"
    none = sealed(replace(plan, hosts=tuple(replace(row, cpu_capacity_pcpu=None) for row in plan.hosts)))
    assert verify_plan(none, pool(), demand, now=LATER) == ()
