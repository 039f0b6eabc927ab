"""Two plans field by field: every place where they differ is named as in plan.json, and said in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.plan import Plan
from rebalancer.verify.compare import differences, wrong_claims
from tests.planner.busy import PLAN, edited


def told(plan: Plan) -> list[tuple[str, str, str]]:
    """Step, rule and words of what *plan* says otherwise."""
    return [(each.step, each.rule, each.words) for each in wrong_claims(plan, PLAN)]


def test_equal_plans_do_not_differ() -> None:
    """Also where they are not the same object."""
    assert told(replace(PLAN)) == []


def test_the_step_and_the_field_are_named() -> None:
    """On the way there and back; every field by itself."""
    step = PLAN.steps[3]
    assert told(edited(PLAN, 3, why="x", vm_name="y", memory_bytes=1)) == [
        (step.id, "words", f"steps[3].vm_name is 'y', and should be {step.vm_name!r}"),
        (step.id, "figures", f"steps[3].memory_bytes is 1, and should be {step.memory_bytes}"),
        (step.id, "words", f"steps[3].why is 'x', and should be {step.why!r}"),
    ]
    back = (replace(PLAN.rollback[0], why="x"), *PLAN.rollback[1:])
    assert [step for step, _, _ in told(replace(PLAN, rollback=back))] == [PLAN.rollback[0].id]


def test_rows_too_many_or_too_few_are_named() -> None:
    """By what people call them."""
    first, *others = PLAN.tiers
    assert told(replace(PLAN, tiers=(*PLAN.tiers, first))) == [
        ("", "tiers", f"tiers[{len(PLAN.tiers)}] should not be there: {first.objective}")
    ]
    assert told(replace(PLAN, tiers=PLAN.tiers[:-1])) == [
        ("", "tiers", f"tiers[{len(others)}] is not there, and should be {others[-1].objective}")
    ]


def test_load_is_said_to_be_another_once() -> None:
    """Whoever carries another demand has other figures in every slot; one of them is told."""
    assert PLAN.load
    curves = tuple(replace(curve, pcpu=tuple(each + 1 for each in curve.pcpu)) for curve in PLAN.load.vms)
    ((_, rule, words),) = told(replace(PLAN, load=replace(PLAN.load, vms=curves)))
    assert (rule, words.partition(" ")[0]) == ("figures", "load.vms[0].pcpu[0]")
    assert told(replace(PLAN, load=None)) == [("", "figures", "load is nothing, and should be something")]


@pytest.mark.parametrize(
    ("claimed", "right", "found"),
    [
        (("a", "b"), ("b", "a"), [("x[0]", "is 'a', and should be 'b'")]),
        (("a",), ("a", "b"), [("x[1]", "is not there, and should be 'b'")]),
        ((1.0, 2.0, 3.0), (1.0,), [("x[1]", "should not be there: 2.0")]),
    ],
)
def test_of_plain_rows_the_first_difference_is_told(
    claimed: tuple[object, ...], right: tuple[object, ...], found: list[tuple[str, str]]
) -> None:
    """The others follow from it, more often than not."""
    assert list(differences(claimed, right, "x")) == found
