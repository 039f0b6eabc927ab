"""Any single edit of what a plan says of disks and SRs is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from rebalancer.plan import Plan, StepDisk, StepKind, sealed
from rebalancer.plan.plan import SRRow
from tests.planner.stored import PLAN, findings

OTHER_VALUES: dict[str, Any] = {"size_bytes": 1, "drive": "c-xvd0", "source": "shared", "target": "shared"}


def with_step(number: int, **changes: Any) -> Plan:  # noqa: ANN401 - fields of Step
    """The plan with one step changed."""
    steps = list(PLAN.steps)
    steps[number] = replace(steps[number], **changes)
    return replace(PLAN, steps=tuple(steps))


def _edits() -> Iterator[tuple[str, Plan]]:
    """Every single edit of what a plan says of disks and SRs."""
    for number, step in enumerate(PLAN.steps):
        (disk,) = step.disks
        yield f"no disk in {step.id}", with_step(number, disks=())
        yield f"disk twice in {step.id}", with_step(number, disks=(disk, disk))
        yield f"hop with disks in {step.id}", with_step(number, kind=StepKind.HOP)
        for field in fields(StepDisk):
            value: Any = OTHER_VALUES.get(field.name, "another")
            if value != getattr(disk, field.name):
                edited = replace(disk, **{field.name: value})
                yield f"{field.name} in {step.id}", with_step(number, disks=(edited,))
        shared = replace(disk, target="shared", target_name="shared")
        yield f"another legal SR in {step.id}", with_step(number, disks=(shared,))
    for number, row in enumerate(PLAN.srs):
        for field in fields(SRRow):
            value = 1 if field.name.endswith("bytes") else ("x",) if "tuple" in str(field.type) else "x"
            rows = list(PLAN.srs)
            rows[number] = replace(row, **{field.name: value})
            yield f"{field.name} of {row.name}", replace(PLAN, srs=tuple(rows))
    yield "no SRs", replace(PLAN, srs=())
    for number, step in enumerate(PLAN.rollback):
        (disk,) = step.disks
        for changed in ((), (replace(disk, target="shared", target_name="shared"),), (replace(disk, size_bytes=1),)):
            steps = list(PLAN.rollback)
            steps[number] = replace(step, disks=changed)
            yield f"disks {changed} on the way back {step.id}", replace(PLAN, rollback=tuple(steps))


@pytest.mark.parametrize(("name", "plan"), tuple(_edits()), ids=lambda value: value if isinstance(value, str) else "")
def test_any_single_edit_is_refused(name: str, plan: Plan) -> None:
    """Also with the digest computed anew; and each finding tells where."""
    found = findings(sealed(plan))
    assert found, name
    assert all(each.rule and each.state for each in found)


def test_refusals_name_step_state_and_rule() -> None:
    """A disk that goes to an SR that its new host does not see is refused at that step, in the state before it."""
    step = PLAN.steps[1]
    blind = replace(step.disks[0], target=step.disks[0].source, source="shared", source_name="shared")
    (first, *_) = findings(sealed(with_step(1, disks=(blind,))))
    assert (first.step, first.state, first.rule) == (step.id, f"after {PLAN.steps[0].id}", "placement")
    told = findings(sealed(with_step(1, disks=())))
    missing = next(each for each in told if each.step and each.rule != "schedule")
    assert (missing.step, missing.rule) == (step.id, "shared-sr-visible")
