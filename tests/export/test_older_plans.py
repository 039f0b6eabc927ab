"""Plan files outlive upgrades: what an earlier version wrote and somebody approved is read and proven unchanged."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rebalancer.diff.diff import plan_differences
from rebalancer.diff.drift import differences
from rebalancer.errors import PlanFileError
from rebalancer.export import plan_from_json, plan_json, plan_schema, read_plan
from rebalancer.inventory.digest import inventory_digest
from rebalancer.inventory.renaming import called
from rebalancer.plan import Plan, digest_of, sealed
from rebalancer.policy import Policy, policy_digest
from rebalancer.snapshot import read_snapshot
from rebalancer.verify.verify import verify_plan
from tests.planner.busy import PLAN

OLDER = Path(__file__).parent / "older"
"""A plan with disks, peaks and a window, as it was written in November 2026, and the snapshot that it was made from."""
UNKNOWN_THEN = (("execution",), ("limits", "per_link"), ("demand", "budget"))
"""Keys of the policy that we take to be younger than the plan."""


def without(document: dict[str, Any], *paths: tuple[str, ...]) -> dict[str, Any]:
    """The policy in *document*, without some keys."""
    policy: dict[str, Any] = json.loads(json.dumps(document))
    for *sections, key in paths:
        section = policy
        for name in sections:
            section = section[name]
        del section[key]
    return policy


def of_an_earlier_version() -> Plan:
    """The plan of these tests as a version wrote it that did not know some keys of the policy."""
    document = json.loads(plan_json(PLAN))
    policy = Policy.model_validate_json(json.dumps(without(document["made_from"]["policy"], *UNKNOWN_THEN)))
    made_from = {name: getattr(PLAN.made_from, name) for name in document["made_from"]}
    changed = made_from | {"policy": policy, "policy_digest": policy_digest(policy)}
    values = {field.name: getattr(PLAN, field.name) for field in fields(Plan)}
    return sealed(Plan(**values | {"made_from": type(PLAN.made_from)(**changed)}))


def test_a_kept_plan_is_still_read_and_proven() -> None:
    """If this fails, plans that wait for approval die with the next upgrade: see docs/development.md, 'Plan files'."""
    snapshot = read_snapshot(OLDER / "pool.json.gz")
    plan = read_plan(OLDER / "plan.json")
    now = plan.made_at + timedelta(hours=1)
    assert verify_plan(plan, snapshot.pool, snapshot.demand, now=now) == ()
    assert plan_json(plan).encode() == (OLDER / "plan.json").read_bytes()
    jsonschema.validate(json.loads(plan_json(plan)), plan_schema())


def test_what_an_older_plan_kept_no_record_of_is_told() -> None:
    """Its digest covers other fields: steps are proven, names and hosts compared, the rest is said to be unknown."""
    pool, plan = read_snapshot(OLDER / "pool.json.gz").pool, read_plan(OLDER / "plan.json")
    unknown = "rebalancer 0.1.0 kept another record of the pool in the plan: what changed but hosts and VMs is unknown"
    assert differences(plan, pool) == (unknown,)
    step = plan.steps[0]
    renamed = called(pool, {step.vm: "new"})
    assert differences(plan, renamed) == (unknown, f"VM {step.vm_name} is now called new")
    assert verify_plan(plan, renamed, now=plan.made_at) == ()
    other = replace(plan, made_from=replace(plan.made_from, inventory_digest=inventory_digest(pool)))
    assert [each.words for each in plan_differences(plan, other)] == [
        "what of the pool they were made from cannot be compared: versions that look at other parts of it"
    ]


def test_a_key_that_the_policy_gained_changes_no_older_plan() -> None:
    """It is read with the default of the key, has the digest it had, and is written as it was."""
    older = of_an_earlier_version()
    text = plan_json(older)
    assert "per_link" not in text
    plan = plan_from_json(text, "here")
    assert plan.policy == PLAN.policy
    assert (plan.digest, plan_json(plan)) == (older.digest, text)
    assert policy_digest(plan.policy) == plan.made_from.policy_digest
    jsonschema.validate(json.loads(text), plan_schema())


def test_an_older_plan_is_no_other_plan() -> None:
    """Keys that are missing mean their defaults: comparing tells no difference."""
    assert plan_differences(of_an_earlier_version(), PLAN) == ()


def test_a_key_that_was_added_by_hand_is_an_edit() -> None:
    """Also one with its default: the file is not as it was written."""
    document = json.loads(plan_json(of_an_earlier_version()))
    document["made_from"]["policy"]["limits"]["per_link"] = None
    with pytest.raises(PlanFileError, match="it was edited"):
        plan_from_json(json.dumps(document), "here")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterPlan(Plan):
    """A plan of a version that says something more."""

    remark: str = ""


def test_a_field_that_plans_gain_changes_no_plan_without_it() -> None:
    """Only where it says something it stands in the file and counts."""
    values = {field.name: getattr(PLAN, field.name) for field in fields(Plan)}
    assert digest_of(LaterPlan(**values)) == PLAN.digest
    assert digest_of(LaterPlan(**values, remark="new")) != PLAN.digest


def test_a_plan_of_another_version_says_so() -> None:
    """A key that this version does not know comes with the version that wrote it."""
    document = json.loads(plan_json(PLAN))
    document["made_from"]["policy"]["novelty"] = 1
    document["made_from"]["versions"]["rebalancer"] = "99.0"
    with pytest.raises(
        PlanFileError, match=r"novelty .* \(rebalancer 99.0 wrote it, this is .* Read it with the version"
    ):
        plan_from_json(json.dumps(document), "here")
