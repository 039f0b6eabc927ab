"""Cool-down, patience and pace read the history, and say the same as by the journals, whatever the history knows."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebalancer.execute import Journals, StepState, cooled, learned_pace
from rebalancer.execute.journal.cooling import cooled as cooled_by
from rebalancer.execute.journal.entries import AS_ASKED, Entry, Intended, Looked, RunBegan, Sent
from rebalancer.history import past as module
from rebalancer.history.fill import fill
from rebalancer.history.past import Remembered, known_past
from rebalancer.history.place import HistoryPlace
from rebalancer.history.store import Store
from rebalancer.history.tables import VERSION
from rebalancer.policy import HistoryPolicy
from tests.execute.scripted import MADE_AT
from tests.history.made import DAY, POOL, write_journal
from tests.pools import policy_of

WANTED = policy_of(limits={"cool_down_hours": 48})
STATES = (StepState.MOVED, StepState.STAYED, StepState.REFUSED, StepState.HALTED)
NOW = MADE_AT + 5 * DAY


@st.composite
def runs(draw: st.DrawFn) -> list[list[Entry]]:
    """Journals of a few nights, of this pool or another, each with up to three steps."""
    found = []
    for number in range(draw(st.integers(0, 4))):
        at = MADE_AT + timedelta(hours=draw(st.integers(0, 100)))
        pool = draw(st.sampled_from([POOL.uuid, "elsewhere"]))
        entries: list[Entry] = [RunBegan(at=at, plan=f"sha256:{number}", pool=pool)]
        for vm in draw(st.lists(st.sampled_from("abc"), unique=True)):
            entries += steps(draw, vm, at)
        found.append(entries)
    return found


def steps(draw: st.DrawFn, vm: str, at: object) -> Sequence[Entry]:
    """A step of *vm*, which is told by its look alone in some versions."""
    assert isinstance(at, type(MADE_AT))
    over = at + timedelta(seconds=draw(st.integers(0, 90)))
    state = draw(st.sampled_from(STATES))
    words = draw(st.sampled_from(["", AS_ASKED, "the migration failed"]))
    error = draw(st.sampled_from([(), ("NO", "OpaqueRef:1")]))
    named = draw(st.booleans())
    return [
        Intended(at=at, step=vm, vm=vm, source="h1", target="h2", wire_seconds=draw(st.sampled_from([0.0, 12.5]))),
        Sent(at=at, step=vm, task="OpaqueRef:1"),
        Looked(
            at=over,
            step=vm,
            state=state,
            power_state="Running",
            resident_on="h2",
            error=error,
            words=words,
            vm=vm if named else "",
        ),
    ]


@given(known=runs(), unknown=runs())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_says_the_same_as_the_journals(tmp_path: Path, known: list[list[Entry]], unknown: list[list[Entry]]) -> None:
    """Be they known, not yet known, or changed since."""
    state = tmp_path / "state"
    shutil.rmtree(state, ignore_errors=True)
    for entries in known:
        write_journal(state / "journals" / f"{entries[0].plan}.jsonl", *entries)  # type: ignore[union-attr]  # it begins
    with Store.of(HistoryPlace(state_dir=state)) as store:
        fill(store)
    for number, entries in enumerate(unknown):
        write_journal(state / "journals" / f"{number % 2}-new.jsonl", *entries)
    past, journals = known_past(HistoryPolicy(), state), Journals(state)
    assert isinstance(past, Remembered)
    assert cooled(WANTED, POOL, NOW, past=past) == cooled(WANTED, POOL, NOW, past=journals)
    assert learned_pace(POOL.uuid, past=past) == learned_pace(POOL.uuid, past=journals)
    assert sorted(past.experiences(POOL.uuid), key=repr) == sorted(journals.experiences(POOL.uuid), key=repr)


def failure(state: Path, number: int = 1) -> Path:
    """A journal of a night on which VM a stayed where it was."""
    look = Looked(
        at=NOW - DAY / 2,
        step="s1",
        state=StepState.REFUSED,
        power_state="Running",
        resident_on="h1",
        error=("NO",),
        vm="a",
    )
    began = RunBegan(at=NOW - DAY / 2, plan=f"sha256:{number}", pool=POOL.uuid)
    return write_journal(state / "journals" / f"{number}.jsonl", began, look)


def left_alone(state: Path) -> list[str]:
    """Who cools down, by the history or whatever stands in for it."""
    policy = policy_of()
    return [each.vm for each in cooled_by(policy, POOL, NOW, past=known_past(policy.history, state)).cooling]


def test_what_a_pruned_journal_told_is_remembered(tmp_path: Path) -> None:
    """By the database alone."""
    path = failure(tmp_path)
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        fill(store)
    path.unlink()
    assert left_alone(tmp_path) == ["a"]
    assert cooled(policy_of(), POOL, NOW, tmp_path).cooling == ()


def test_a_broken_database_changes_nothing(tmp_path: Path) -> None:
    """Nor one that was never made, one of a newer version, or one that others may write."""
    failure(tmp_path)
    assert left_alone(tmp_path) == ["a"]
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        fill(store)
        with store.writing() as connection:
            connection.execute(VERSION.update().values(version=99))
    assert left_alone(tmp_path) == ["a"]
    file = HistoryPlace(state_dir=tmp_path).file
    file.chmod(0o666)
    assert left_alone(tmp_path) == ["a"]
    file.chmod(0o600)
    file.write_bytes(b"no database at all" * 100)
    assert left_alone(tmp_path) == ["a"]


def test_nothing_is_made_by_reading(tmp_path: Path) -> None:
    """Whoever only plans leaves no database behind."""
    failure(tmp_path)
    assert left_alone(tmp_path) == ["a"]
    assert not HistoryPlace(state_dir=tmp_path).file.exists()


def test_a_server_that_does_not_answer_changes_nothing(tmp_path: Path) -> None:
    """The journals tell, and that it is they alone is said."""
    failure(tmp_path)
    wanted, told = HistoryPolicy(url=f"postgresql://nobody@/none?host={tmp_path}"), list[str]()
    assert isinstance(known_past(wanted, tmp_path, told.append), Journals)
    (words,) = told
    assert words.startswith("what earlier runs taught is read from the journals alone: postgresql://nobody@/none")


def opened_by(opened: list[Path]) -> Callable[[Path], Sequence[Entry]]:
    """A reader that finds nothing, and notes what it was to read."""

    def read(path: Path) -> Sequence[Entry]:
        opened.append(path)
        return ()

    return read


def test_rows_are_not_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that the history knows is not opened."""
    failure(tmp_path)
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        fill(store)
    opened: list[Path] = []
    monkeypatch.setattr(module, "entries_of", opened_by(opened))
    assert left_alone(tmp_path) == ["a"]
    failure(tmp_path, 2)
    assert left_alone(tmp_path) == ["a"]
    assert [each.name for each in opened] == ["2.jsonl"]


def test_the_file_is_sqlite(tmp_path: Path) -> None:
    """Anybody who may read it can, with any client."""
    failure(tmp_path)
    with Store.of(HistoryPlace(state_dir=tmp_path)) as store:
        fill(store)
    with sqlite3.connect(HistoryPlace(state_dir=tmp_path).file) as connection:
        rows = connection.execute("select vm_uuid, state from step_ends").fetchall()
    connection.close()
    assert rows == [("a", "refused")]
