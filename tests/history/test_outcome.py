"""How a plan ended stands beside it, as its journal tells, and goes with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rebalancer.execute import StepState
from rebalancer.execute.journal.entries import Resolved
from rebalancer.export import write_plan
from rebalancer.history.ended import KILLED, outcome_by
from rebalancer.history.outcome import (
    CheckedHost,
    LeftStep,
    LoadCheck,
    PlanOutcome,
    outcome_in_words,
    read_outcome,
    write_outcome,
)
from tests.execute.scripted import MADE_AT
from tests.history.made import DAY, PLAN, entries_of

CHECK = LoadCheck(
    since=MADE_AT,
    until=MADE_AT + DAY,
    elsewhere=2,
    overload_predicted=1.5,
    overload_measured=0.5,
    overload_unmoved=9.0,
    hosts=(CheckedHost(uuid="h1", name="h1", predicted_share=0.5, measured_share=0.25),),
)
MOVED, STAYED = StepState.MOVED, StepState.STAYED


def test_it_says_what_the_journal_says() -> None:
    """Done, left with state and reason, and when the last look was."""
    entries = entries_of(PLAN, {"s01": MOVED, "s02": STAYED})
    found = outcome_by(PLAN, entries)
    assert (found.done, found.words, found.ended_at) == (("s01",), "all steps are done", entries[-1].at)
    assert found.left == (LeftStep(step="s02", vm="b", vm_name="b", state="stayed"),)


def test_a_run_that_was_killed_says_so() -> None:
    """Its journal has no end."""
    found = outcome_by(PLAN, entries_of(PLAN, {"s01": MOVED}, ended=False))
    assert (found.words, [each.state for each in found.left]) == (KILLED, ["waiting"])


def test_what_somebody_resolved_counts() -> None:
    """In the words of who looked."""
    said = Resolved(at=MADE_AT, step="s02", state=StepState.STAYED, by="jane", reason="I looked")
    found = outcome_by(PLAN, [*entries_of(PLAN, {"s01": MOVED, "s02": StepState.UNKNOWN}), said])
    assert [(each.state, each.words) for each in found.left] == [("stayed", "I looked")]


def test_without_a_journal_nothing_is_done() -> None:
    """Every step is left."""
    assert [each.step for each in outcome_by(PLAN, ()).left] == ["s01", "s02"]


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """And what an older one told beyond it stays: verdict and check."""
    first = replace(outcome_by(PLAN, entries_of(PLAN, {"s01": STAYED})), verdict="set_aside", check=CHECK)
    write_outcome(first, tmp_path)
    assert read_outcome(tmp_path) == first
    second = outcome_by(PLAN, entries_of(PLAN, {"s01": MOVED, "s02": MOVED}))
    write_outcome(second, tmp_path)
    assert read_outcome(tmp_path) == replace(second, verdict="set_aside", check=CHECK)
    write_outcome(PlanOutcome(plan="sha256:other"), tmp_path)
    assert read_outcome(tmp_path) == PlanOutcome(plan="sha256:other")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "rebalancer-outcome/2"}', '{"format": 1}'])
def test_what_is_none_tells_nothing(tmp_path: Path, content: str) -> None:
    """Nobody depends on it."""
    (tmp_path / "outcome.json").write_text(content)
    assert read_outcome(tmp_path) is None
    assert outcome_in_words(PLAN, tmp_path) == ""


def test_another_plan_takes_its_place(tmp_path: Path) -> None:
    """A folder with an outcome is one with a plan: the next plan may be written to it, and the outcome goes."""
    write_plan(PLAN, tmp_path / "tonight")
    write_outcome(PlanOutcome(plan=PLAN.digest), tmp_path / "tonight")
    write_plan(PLAN, tmp_path / "tonight")
    assert read_outcome(tmp_path / "tonight") is None


def test_it_is_told_in_a_sentence(tmp_path: Path) -> None:
    """With the day after, once that is known; of another plan nothing is."""
    found = outcome_by(PLAN, entries_of(PLAN, {"s01": MOVED, "s02": MOVED}))
    write_outcome(replace(found, check=CHECK), tmp_path)
    assert outcome_in_words(PLAN, tmp_path) == (
        "How it ended at 2026-03-01 01:02 UTC: 2 of 2 steps done: all steps are done; 0.5 pCPU-hours of overload in "
        "the 24 h after it, 1.5 predicted, 9.0 without its moves"
    )
    assert outcome_in_words(replace(PLAN, digest="sha256:other"), tmp_path) == ""
