"""Durations that are learned from journals: the truth is found, outliers are not, and other pools do not count."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from rebalancer.execute import RunOptions, execute, learned_pace
from rebalancer.execute.journal.entries import Entry, Intended, Looked, RunBegan, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.learned_pace import fitted
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.journal.past import Experience
from rebalancer.plan.duration import NO_EXPERIENCE
from tests.execute.scripted import MADE_AT, HandClock, Script, ScriptedPool, plan_of
from tests.pools import make_host, make_pool, make_vm


def noisy(count: int, outliers: int = 0) -> list[Experience]:
    """Steps that take 12 s and 2 s for a second on the wire, a tenth more or less; some take ten times as long."""
    chance = random.Random(1)
    steps = []
    for number in range(count):
        wire = chance.uniform(2, 60)
        seconds = (12 + 2 * wire) * chance.uniform(0.9, 1.1)
        steps.append(Experience(wire_seconds=wire, seconds=seconds * 10 if number < outliers else seconds))
    chance.shuffle(steps)
    return steps


@pytest.mark.parametrize("outliers", [0, 8])
def test_the_truth_is_found(outliers: int) -> None:
    """From forty steps, eight of them ten times too slow: the likely time is right within a tenth, from 5 to 50 s."""
    pace = fitted(noisy(40, outliers))
    for wire in (5.0, 20.0, 50.0):
        assert pace.likely(wire) == pytest.approx(12 + 2 * wire, rel=0.1)
    assert pace.steps == 40
    assert pace.low < 1 < pace.high


def test_from_a_handful_nothing_is_learned() -> None:
    """Seven steps leave the assumptions, eight do not."""
    assert fitted(noisy(7)) == NO_EXPERIENCE
    assert fitted(noisy(8)).steps == 8


def test_steps_of_one_size_move_the_fixed_part_only() -> None:
    """Without any spread the factor stays what is assumed."""
    pace = fitted([Experience(wire_seconds=10.0, seconds=40.0)] * 10)
    assert pace.factor == NO_EXPERIENCE.factor
    assert pace.likely(10.0) == pytest.approx(40.0, abs=0.1)


def written(folder: Path, name: str, entries: list[Entry]) -> None:
    """A journal with these entries."""
    with Journal(folder / "journals" / f"{name}.jsonl") as journal:
        for entry in entries:
            journal.append(entry)


def step(number: int, *, state: StepState = StepState.MOVED, killed: bool = False) -> list[Entry]:
    """A step whose bytes take as many seconds on the wire as its number says, and twice that and 5 s in all."""
    name, begun = f"s{number:02}", MADE_AT + timedelta(hours=number)
    took = timedelta(seconds=2 * number + 5) if not killed else timedelta(hours=5)
    again: list[Entry] = [RunBegan(at=begun, plan="p", pool="pool")] if killed else []
    return [
        Intended(at=begun, step=name, vm="a", source="h1", target="h2", wire_seconds=float(number)),
        Sent(at=begun, step=name, task="t"),
        *again,
        Looked(at=begun + took, step=name, state=state, power_state="Running", resident_on="h2"),
    ]


def test_journals_of_the_pool_are_read(tmp_path: Path) -> None:
    """Steps that moved under the eyes of one run count; failures, steps after a kill and other pools do not."""
    head = RunBegan(at=MADE_AT, plan="p", pool="pool")
    good = [entry for number in range(1, 11) for entry in step(number)]
    bad = [*step(11, state=StepState.STAYED), *step(12, killed=True)]
    written(tmp_path, "one", [head, *good, *bad])
    other = RunBegan(at=MADE_AT, plan="q", pool="another")
    written(tmp_path, "two", [other, *(entry for number in range(20, 40) for entry in step(number))])
    (tmp_path / "journals" / "three.jsonl").write_text("no journal\n")
    pace = learned_pace("pool", tmp_path)
    assert (pace.steps, pace.factor, pace.fixed_seconds) == (10, 2.0, 5.0)
    assert learned_pace("a third", tmp_path) == NO_EXPERIENCE
    assert learned_pace("pool", tmp_path / "nowhere") == NO_EXPERIENCE


def test_a_run_writes_what_is_learned(tmp_path: Path) -> None:
    """After a run of ten steps the pace rests on ten steps: as long as they took by the clock."""
    names = [f"v{number}" for number in range(10)]
    vms = [make_vm(name, on="h1", gib=1 + number / 4) for number, name in enumerate(names)]
    pool = make_pool(hosts=[make_host("h1"), make_host("h2")], vms=vms)
    live = ScriptedPool(pool, **{name: Script(polls=20 + 4 * number) for number, name in enumerate(names)})
    plan = plan_of(pool, *((name, "h2") for name in names))
    journal = tmp_path / "journals" / "p.jsonl"
    assert execute(plan, live, RunOptions(journal=journal, state_dir=tmp_path, clock=HandClock())).complete
    pace = learned_pace(pool.uuid, tmp_path)
    assert pace.steps == 10
    assert pace.likely(8.59) == pytest.approx(20, abs=2.5)
