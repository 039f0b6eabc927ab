"""A way back, or a part, that the checker takes for another one is a defect, and no VM stays away for it."""

from __future__ import annotations

import pytest

from rebalancer.errors import ModelBug
from rebalancer.undo.undo import undo
from tests.plan.made import LATER
from tests.planner import parts
from tests.planner.disagreeing import DISAGREEMENTS, disagree, refuse_once_moved
from tests.undo.undone import at, three, whole


@pytest.mark.parametrize("about", DISAGREEMENTS)
def test_a_disagreement_leaves_nobody_away(monkeypatch: pytest.MonkeyPatch, about: str) -> None:
    """It is not taken for a step back that is illegal."""
    plan = whole()
    disagree(monkeypatch, about)
    with pytest.raises(ModelBug, match="internal disagreement"):
        undo(plan, at(three().pool, b="h3", a="h2"), made_at=LATER)


@pytest.mark.parametrize("about", DISAGREEMENTS)
def test_a_disagreement_about_a_part_is_a_defect(monkeypatch: pytest.MonkeyPatch, about: str) -> None:
    """The whole plan was accepted, so that only the part can be wrong."""
    plan = parts.whole()
    disagree(monkeypatch, about)
    with pytest.raises(ModelBug, match="internal disagreement"):
        parts.part("c", plan=plan)


def test_who_may_not_return_once_others_have_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """`a` goes home first; then the checker refuses `b`, and the way back does without it."""
    plan, pool = whole(), at(three().pool, b="h3", a="h2")
    refuse_once_moved(monkeypatch, "b", "a", left="h2")
    assert [step.vm for step in undo(plan, pool, made_at=LATER).steps] == ["a"]
