"""Verifying: a plan is accepted as it was made, and refused with any single edit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from rebalancer.diff.drift import differences
from rebalancer.inventory import PowerState
from rebalancer.plan import Finding, FindingKind, LeftAlone, Plan, Step, StepKind, sealed
from rebalancer.policy import policy_digest
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, MADE_AT, demand_of, goal_of, plan_of, swap
from tests.planner.busy import (
    PLAN,
    added,
    busy_pool,
    changed,
    dropped,
    edited,
    retargeted,
    reversed_,
    reworded,
    swapped,
    verdict,
)
from tests.pools import make_vm, policy_of, problem_of

EDITS = [
    pytest.param(plan, id=name)
    for family in (dropped, reversed_, retargeted, swapped, added, reworded)
    for name, plan in family(PLAN)
]


def test_a_plan_is_accepted_as_it_was_made() -> None:
    """The pool, the demand it carries or the demand that was measured: nothing speaks against it."""
    assert verdict(PLAN) == ()
    assert verdict(PLAN, demand=demand_of(busy_pool(), {"big": 9.0, "web-1": 5.0})) == ()


def test_the_plan_of_these_tests_is_worth_editing() -> None:
    """It has a hop, steps that wait for each other, demand, tiers and a way back."""
    assert [step.kind for step in PLAN.steps].count(StepKind.HOP) == 1
    assert any(step.after for step in PLAN.steps)
    assert PLAN.load is not None
    assert PLAN.rollback


@pytest.mark.parametrize("plan", EDITS)
def test_every_single_edit_is_refused(plan: Plan) -> None:
    """An edited plan no longer has its digest, and the refusal says so."""
    assert "digest" in {finding.rule for finding in verdict(plan)}


@pytest.mark.parametrize("plan", EDITS)
def test_every_single_edit_is_refused_even_with_a_new_digest(plan: Plan) -> None:
    """Whoever computes the digest again is refused for what the plan does or claims."""
    found = verdict(sealed(plan))
    assert found
    assert "digest" not in {finding.rule for finding in found}


@pytest.mark.parametrize(
    "field", ["summary", "outcome", "reason", "left_alone", "old_violations", "warnings", "load", "bound_by"]
)
def test_words_are_under_the_digest(field: str) -> None:
    """What only people read cannot be edited either."""
    alone = LeftAlone(kind="vm", uuid="x", name="x", rule="x", words="x")
    other: dict[type, Any] = {str: "x", tuple: (alone,)}
    value = getattr(PLAN, field)
    found = verdict(changed(PLAN, **{field: other.get(type(value))}))
    assert next(finding.rule for finding in found) == "digest"


def test_every_field_is_under_the_digest() -> None:
    """No field of a plan or of a step can be changed without changing the digest."""
    for field in fields(Plan):
        if field.name != "digest":
            assert sealed(changed(PLAN, **{field.name: None})).digest != PLAN.digest, field.name
    for field in fields(Step):
        assert sealed(edited(PLAN, 0, **{field.name: "x"})).digest != PLAN.digest, field.name


def test_a_finding_names_step_state_and_rule() -> None:
    """A retargeted step is refused in words that people can act on."""
    problem = swap()
    plan = plan_of(problem, goal_of(problem, big="h2", small="h1"))
    wrong = sealed(edited(plan, 1, target="h3", target_name="h3"))
    found = [str(finding) for finding in verify_plan(wrong, problem.pool, now=LATER)]
    assert any(each.startswith("step s02, after s01: big to h3, held on both hosts: memory") for each in found)
    assert any("[enough-memory]" in each for each in found)


def test_another_pool_is_refused_at_once() -> None:
    """A plan is bound to its pool by uuid."""
    found = verdict(PLAN, replace(busy_pool(), uuid="other", name="other"))
    assert [finding.rule for finding in found] == ["pool"]


def test_an_expired_plan_is_refused() -> None:
    """After the time that the policy gives, nothing but a new plan helps."""
    assert [finding.rule for finding in verdict(PLAN, now=MADE_AT + timedelta(hours=25))] == ["expiry"]
    assert verdict(PLAN, now=PLAN.expires_at) == ()


def test_a_vm_that_was_moved_meanwhile_is_a_difference() -> None:
    """A bystander elsewhere leaves the plan legal: accepted, and told in words."""
    pool = busy_pool()
    moved = replace(pool, vms={**pool.vms, "db": replace(pool.vms["db"], resident_on="h4")})
    assert verdict(PLAN, moved) == ()
    assert differences(PLAN, moved) == ("VM db is on h4, not on h3",)
    assert differences(PLAN, pool) == ()


def test_a_new_vm_in_the_way_is_refused() -> None:
    """Where a new VM takes the room that a step needs, the step is refused with the rule."""
    pool = busy_pool()
    full = replace(pool, vms={**pool.vms, "new": make_vm("new", on="h4", gib=10)})
    found = verdict(PLAN, full)
    assert {finding.rule for finding in found} >= {"enough-memory"}
    assert differences(PLAN, full) == ("VM new runs on h4 and did not run before",)


def test_a_step_whose_vm_has_moved_is_refused() -> None:
    """Nobody but the plan may have moved its VMs."""
    pool = busy_pool()
    moved = replace(pool, vms={**pool.vms, "log": replace(pool.vms["log"], resident_on="h4")})
    assert any("log is on h4, not on h3" in finding.words for finding in verdict(PLAN, moved))


def test_a_vm_that_has_stopped_is_refused() -> None:
    """A VM of the plan that does not run any more."""
    pool = busy_pool()
    gone = {uuid: vm for uuid, vm in pool.vms.items() if uuid != "log"}
    found = verdict(PLAN, replace(pool, vms=gone))
    assert any("log does not run in this pool" in finding.words for finding in found)
    halted = replace(pool.vms["log"], power_state=PowerState.HALTED, resident_on=None)
    found = verdict(PLAN, replace(pool, vms={**pool.vms, "log": halted}))
    assert "VM log is on no host, not on h4" in [finding.words for finding in found]


def test_a_disabled_target_is_refused() -> None:
    """A host that takes nobody any more."""
    pool = busy_pool()
    hosts = {**pool.hosts, "h4": replace(pool.hosts["h4"], enabled=False)}
    found = verdict(PLAN, replace(pool, hosts=hosts))
    assert "target-enabled" in {finding.rule for finding in found}
    assert "host h4 is disabled" in differences(PLAN, replace(pool, hosts=hosts))


def test_the_rest_of_a_plan_is_judged_from_where_it_stands() -> None:
    """With the first steps done, the pool being as they left it, the rest is accepted; from the start it is not."""
    pool = busy_pool()
    done = PLAN.steps[:2]
    vms = dict(pool.vms)
    for step in done:
        vms[step.vm] = replace(vms[step.vm], resident_on=step.target)
    later = replace(pool, vms=vms)
    assert verdict(PLAN, later, done=[step.id for step in done]) == ()
    assert verdict(PLAN, later)


def test_a_policy_that_no_longer_fits_the_pool_is_a_finding() -> None:
    """A VM that the policy names is gone: a sentence, not a crash."""
    pool = busy_pool()
    problem = problem_of(pool, policy=policy_of(never_move=["db"]))
    plan = plan_of(problem, goal_of(problem, log="h4"))
    gone = replace(pool, vms={uuid: vm for uuid, vm in pool.vms.items() if uuid != "db"})
    assert [finding.rule for finding in verify_plan(plan, gone, now=LATER)] == ["policy"]


def test_a_relaxed_rule_is_judged_as_the_plan_says() -> None:
    """The policy stands in the plan: verifying needs nothing else to know which rules bind."""
    pool = busy_pool()
    pinned = replace(pool, vms={**pool.vms, "log": replace(pool.vms["log"], vcpus_params={"mask": "0"})})
    problem = problem_of(pinned, policy=policy_of(rules={"set": "enforced"}))
    plan = plan_of(problem, goal_of(problem, log="h4"))
    assert verify_plan(plan, pinned, now=LATER) == ()
    strict = replace(plan.made_from, policy=policy_of(), policy_digest=policy_digest(policy_of()))
    found = verify_plan(sealed(replace(plan, made_from=strict)), pinned, now=LATER)
    assert {finding.rule for finding in found if finding.kind is FindingKind.ILLEGAL} == {"no-vcpu-mask"}
    (told,) = (finding for finding in found if finding.kind is not FindingKind.ILLEGAL)
    assert told.words.startswith("steps[0].refused[0] is not there")


def test_an_empty_plan_is_accepted() -> None:
    """Nothing to do is a plan, too, and says why."""
    problem = problem_of(busy_pool())
    plan = plan_of(problem, problem.initial, reason="no host is over its threshold")
    assert verdict(plan) == ()
    assert plan.summary == "Nothing to do: no host is over its threshold."


@pytest.mark.parametrize("limits", [{"maximum_moves": 3}, {"maximum_gib": 40}])
def test_a_plan_beyond_its_limits_is_refused(limits: dict[str, int]) -> None:
    """Four VMs move and 44 GiB are copied, hop included: less is allowed, so the plan is refused."""
    policy = policy_of(limits=limits)
    strict = replace(PLAN.made_from, policy=policy, policy_digest=policy_digest(policy))
    assert [finding.rule for finding in verdict(sealed(replace(PLAN, made_from=strict)))] == ["limits"]


def robust_plan() -> Plan:
    """The busy plan under a policy that reckons with two VMs of each host peaking together."""
    pool = busy_pool()
    demand = demand_of(pool, {"big": 9.0, "web-1": 5.0})
    peaks = np.random.default_rng(1).uniform(0, 3, demand.vm_pcpu.shape)
    policy = policy_of(demand={"robust": True, "budget": 2})
    problem = problem_of(pool, demand=replace(demand, vm_deviation_pcpu=peaks), policy=policy)
    goal = goal_of(problem, big="h2", small="h1", **{"web-2": "h3", "log": "h4"})
    return plan_of(problem, goal, tiers=("repair", "balance", "peak"))


def test_a_robust_plan_carries_the_peaks_that_its_figures_need() -> None:
    """It is accepted by what it carries alone: the worst two of those that stay on a host, and all that move."""
    plan = robust_plan()
    assert plan.load is not None
    assert {curve.uuid for curve in plan.load.vm_peaks} == {step.vm for step in plan.steps}
    assert verdict(plan) == ()


@pytest.mark.parametrize("name", ["host_peaks", "vm_peaks"])
def test_other_peaks_are_noticed(name: str) -> None:
    """With lower peaks than were measured, hosts and objectives come out otherwise."""
    plan = robust_plan()
    assert plan.load is not None
    flat = tuple(replace(curve, pcpu=(0.0,) * len(curve.pcpu)) for curve in getattr(plan.load, name))
    edits: dict[str, Any] = {name: flat}
    edited = sealed(replace(plan, load=replace(plan.load, **edits)))
    assert any(finding.rule in {"figures", "tiers"} for finding in verdict(edited))


def kinds(found: Collection[Finding]) -> set[FindingKind]:
    """The kinds of findings."""
    return {finding.kind for finding in found}


def test_findings_tell_of_what_kind_they_are() -> None:
    """What rules refuse is told apart from what only contradicts itself, so that planners know which to solve again."""
    full = replace(busy_pool(), vms={**busy_pool().vms, "new": make_vm("new", on="h4", gib=10)})
    assert kinds(verdict(PLAN, full)) == {FindingKind.ILLEGAL}
    moved = replace(busy_pool(), vms={**busy_pool().vms, "log": replace(busy_pool().vms["log"], resident_on="h4")})
    assert FindingKind.MISPLACED in kinds(verdict(PLAN, moved))
    assert kinds(verdict(sealed(replace(PLAN, summary="Nothing to do.")))) == {FindingKind.CLAIM}
    assert kinds(verdict(sealed(replace(PLAN, warnings=(*PLAN.warnings, "x", "x"))))) == {FindingKind.FORM}
    assert kinds(verdict(PLAN, now=MADE_AT + timedelta(hours=25))) == {FindingKind.SEAL}
