"""Storms do no harm, and the judge of them sees harm where it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rebalancer.execute.claim.claim import Claim
from rebalancer.execute.journal.entries import Entry, Intended, Looked
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.run.migration import MigrationCall
from rebalancer.execute.run.observation import Observation
from rebalancer.execute.run.run import Run
from rebalancer.xapi import LivePool
from tests.storm.judge import Judge
from tests.storm.many import one
from tests.storm.processes import process_storm
from tests.storm.storm import Outcome

DOZEN = range(12)


def assert_harmless(outcome: Outcome) -> None:
    """Fail with what was wrong, and the weather in which it was."""
    assert outcome.found == [], "\n".join((outcome.name, *outcome.words))


@pytest.mark.parametrize("number", DOZEN)
def test_a_storm_does_no_harm(number: int) -> None:
    """No VM is lost, in two places or against a rule, no call is repeated, every end is documented."""
    assert_harmless(one(1, number, pair=False))


@pytest.mark.parametrize("number", range(4))
def test_two_people_who_begin_one_plan_do_no_harm(number: int) -> None:
    """No call is doubled; whoever comes second is told."""
    assert_harmless(one(1, number, pair=True))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(100, 300, 10))
def test_many_storms_do_no_harm(start: int) -> None:
    """The same, and pairs among them."""
    for number in range(start, start + 10):
        assert_harmless(one(2, number, pair=number % 4 == 0))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(0, 24, 4))
def test_processes_that_are_killed_do_no_harm(number: int) -> None:
    """Over TLS, with SIGKILL."""
    assert_harmless(process_storm(4, number))


def test_the_same_seed_is_the_same_storm() -> None:
    """Call by call, to the hundredth of a second."""
    first, second = one(3, 2, pair=False), one(3, 2, pair=False)
    assert without_places(first.story) == without_places(second.story)


def without_places(story: list[str]) -> list[str]:
    """*story* without the folder that a storm writes to."""
    return [line.split("/tmp", 1)[0] for line in story]  # noqa: S108 - a word, no file


def test_a_judge_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the storm goes on without it, to its end."""

    def fail(_self: Judge) -> None:
        raise KeyError("no such host")

    monkeypatch.setattr(Judge, "look", fail)
    assert any("unforeseen KeyError" in each for each in one(1, 0, pair=False).found)


def twice(patch: pytest.MonkeyPatch) -> None:
    """Every call leaves twice."""
    migrate = LivePool.migrate

    def migrate_twice(self: LivePool, vm: str, host: str, network: str | None = None) -> str:
        migrate(self, vm, host, network)
        return migrate(self, vm, host, network)

    patch.setattr(LivePool, "migrate", migrate_twice)


def unlocked(patch: pytest.MonkeyPatch) -> None:
    """No pool is locked."""
    patch.setattr(Claim, "take", lambda _self, **_options: ())


def untrue(patch: pytest.MonkeyPatch) -> None:
    """Whatever became of a VM, it is said to be where it was."""
    write = MigrationCall.write

    def write_wrong(self: MigrationCall, found: Observation, **words: Any) -> Looked:  # noqa: ANN401 - as it has them
        return write(self, replace(found, state=StepState.STAYED), **words)

    patch.setattr(MigrationCall, "write", write_wrong)


def unwritten(patch: pytest.MonkeyPatch) -> None:
    """Nothing that is about to happen is written down."""
    append = Journal.append

    def append_some(self: Journal, entry: Entry) -> None:
        if not isinstance(entry, Intended):
            append(self, entry)

    patch.setattr(Journal, "append", append_some)


def unordered(patch: pytest.MonkeyPatch) -> None:
    """No step waits for another."""
    patch.setattr(Run, "_next", lambda self: (step for step in self.plan.steps if step.id in self.waiting))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (twice, "the VM is on its way already"),
        (unlocked, "the lock of the pool is of None"),
        (untrue, "'state': 'stayed'"),
        (unwritten, "no step that the journal intends"),
        (unordered, ": before s0"),
    ],
)
def test_the_judge_sees_harm(
    monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None], words: str
) -> None:
    """A product with one thing wrong is found out by some storm."""
    spoil(monkeypatch)
    assert any(words in each for number in (5, 11, 29) for each in one(1, number, pair=False).found)
