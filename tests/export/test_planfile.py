"""plan.json: it comes back exactly as it was written, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from rebalancer.errors import PlanFileError
from rebalancer.export import plan_document, plan_from_json, plan_json, plan_schema, read_plan, write_plan
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.plan import sealed
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from tests.plan.made import plan_of, tasks
from tests.planner.busy import PLAN

SCHEMA_FILE = files("rebalancer.export") / "plan.schema.json"

Edit = Callable[[dict[str, Any]], object]


def refusal(path: Path) -> PlanFileError:
    """Why the file is not read."""
    with pytest.raises(PlanFileError) as caught:
        read_plan(path)
    return caught.value


def written(folder: Path, text: str) -> Path:
    """A plan.json with *text*."""
    path = folder / "plan.json"
    path.write_text(text, encoding="utf-8")
    return path


def edited(folder: Path, edit: Edit) -> Path:
    """The plan of these tests, edited by hand."""
    document = json.loads(plan_json(PLAN))
    edit(document)
    return written(folder, json.dumps(document))


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    """Folder or file: the same value, field by field."""
    write_plan(PLAN, tmp_path / "plan")
    assert read_plan(tmp_path / "plan") == PLAN
    assert read_plan(tmp_path / "plan" / "plan.json") == PLAN
    assert plan_json(read_plan(tmp_path / "plan")) == plan_json(PLAN)


@given(tasks())
def test_every_plan_comes_back(task: tuple[Problem, Placement]) -> None:
    """Whatever the pool."""
    problem, goal = task
    if isinstance(find_order(Rulebook.of(problem), goal, seed=1), Order):
        plan = plan_of(problem, goal, tiers=("repair", "migration-cost"))
        assert plan_from_json(plan_json(plan), "here") == plan


def test_the_published_schema_is_the_one_that_plans_follow() -> None:
    """The schema that is shipped is what the code generates, and a real plan is valid by it."""
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == plan_schema()
    jsonschema.Draft202012Validator.check_schema(plan_schema())
    jsonschema.validate(json.loads(plan_json(PLAN)), plan_schema())


def test_the_schema_refuses_an_unknown_key() -> None:
    """A key that nobody reads would be a promise that nobody keeps."""
    document = json.loads(plan_json(PLAN))
    document["steps"][0]["force"] = True
    with pytest.raises(jsonschema.ValidationError, match="force"):
        jsonschema.validate(document, plan_schema())


@pytest.mark.parametrize("length", [0, 1, 100, 2000, -3])
def test_a_truncated_file_is_refused(tmp_path: Path, length: int) -> None:
    """Wherever the file ends too early, the error names it and says what to do."""
    error = refusal(written(tmp_path, plan_json(PLAN)[:length]))
    assert str(tmp_path) in str(error)
    assert "truncated" in str(error)
    assert "Make a new plan" in str(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "it is no plan"),
        ("{}", "it is no plan"),
        ('{"format": 1}', "it is no plan"),
        ('{"format": "rebalancer-snapshot/1"}', "its format is 'rebalancer-snapshot/1', not rebalancer-plan/1"),
        ('{"format": "rebalancer-plan/2"}', "newer than rebalancer-plan/1. Update rebalancer"),
        ('{"format": "rebalancer-plan/1"}', "made_at is missing"),
        ('{"format": "rebalancer-plan/1", "format": "x"}', "a key stands twice"),
        ('{"format": NaN}', "NaN is no number"),
        ("[" * 100_000, "too many levels"),
    ],
)
def test_something_else_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """Each kind of foreign file has its own words."""
    assert words in str(refusal(written(tmp_path, text)))


def test_a_missing_plan_is_refused(tmp_path: Path) -> None:
    """No such file, a folder without a plan, bytes that are no text."""
    assert "there is no such file" in str(refusal(tmp_path / "nowhere"))
    assert "plan.json: it cannot be read: there is no such file" in str(refusal(tmp_path))
    (tmp_path / "plan.json").write_bytes(b"\x80\x81")
    assert "it is no text in UTF-8" in str(refusal(tmp_path))


@pytest.mark.parametrize(
    "edit",
    [
        lambda plan: plan["steps"].pop(),
        lambda plan: plan["steps"][0].update(target="h1"),
        lambda plan: plan["steps"][0].update(vm_name="harmless"),
        lambda plan: plan.update(expires_at="2099-01-01T00:00:00Z"),
        lambda plan: plan["made_from"]["policy"].update(never_move=["log"]),
        lambda plan: plan["tiers"][1].update(after=0.0),
        lambda plan: plan["left_alone"].clear() or plan.update(warnings=["trust me"]),
        lambda plan: plan.update(digest="sha256:0"),
    ],
)
def test_an_edited_plan_is_refused(tmp_path: Path, edit: Edit) -> None:
    """One value changed, the digest not: refused as edited."""
    assert "it was edited" in str(refusal(edited(tmp_path, edit)))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda plan: plan.update(extra=1), "it was edited"),
        (lambda plan: plan["steps"][0].pop("vm"), "steps[0].vm is missing"),
        (lambda plan: plan["steps"][0].update(kind="jump"), "steps[0].kind should be 'move' or 'hop'"),
        (lambda plan: plan["steps"][0].update(memory_bytes="1"), "steps[0].memory_bytes should be a valid integer"),
        (lambda plan: plan["made_from"]["policy"].update(mode="chaos"), "made_from.policy.mode should be 'balance'"),
        (lambda plan: plan.update(made_at="2026-11-01T02:00:00"), "made_at has no time zone"),
        (
            lambda plan: plan["steps"][1].update(start_seconds=4e14),
            "step s02 takes or begins after more than ten years",
        ),
        (lambda plan: plan["steps"][0].update(seconds_high=4e8), "step s01 takes or begins after more than ten years"),
        (lambda plan: plan["schedule"].update(bound_seconds=-4e8), "the schedule takes or begins after"),
        (lambda plan: plan.update(made_at=None), "made_at should be a time as text"),
    ],
)
def test_a_plan_with_a_wrong_part_is_refused(tmp_path: Path, edit: Edit, words: str) -> None:
    """The error names the part, by its place in the file."""
    assert words in str(refusal(edited(tmp_path, edit)))


def test_an_unknown_key_is_refused_even_with_a_new_digest(tmp_path: Path) -> None:
    """A digest over what was not understood would not be the plan's own."""
    document = plan_document(PLAN) | {"extra": True}
    assert "it was edited" in str(refusal(written(tmp_path, json.dumps(document))))


def test_hostile_names_survive_the_way(tmp_path: Path) -> None:
    """Quotes, newlines and right-to-left marks are names like any others."""
    name = 'a"b\n$(rm -rf /)`id`\u202e|<script>=1+1'
    steps = tuple(replace(step, vm_name=name) for step in PLAN.steps)
    plan = sealed(replace(PLAN, steps=steps))
    write_plan(plan, tmp_path / "plan")
    assert read_plan(tmp_path / "plan") == plan


def test_half_a_surrogate_pair_becomes_a_question_mark(tmp_path: Path) -> None:
    """What no file can hold does not make the plan unreadable."""
    plan = sealed(replace(PLAN, summary="half \ud800 a pair"))
    write_plan(plan, tmp_path / "plan")
    assert read_plan(tmp_path / "plan").summary == "half ? a pair"


def test_no_reference_of_xapi_is_in_a_plan() -> None:
    """References change with every restart of the toolstack; plans hold uuids only."""
    assert "OpaqueRef" not in plan_json(PLAN)
