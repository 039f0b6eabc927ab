"""The journal: what is on the disk, what is read back, what is refused."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from rebalancer.errors import InputError
from rebalancer.execute.journal.entries import FORMAT, Entry, Intended, Looked, RunBegan, RunEnded, Sent
from rebalancer.execute.journal.history import StepHistory, histories
from rebalancer.execute.journal.journal import Journal, read_journal
from rebalancer.execute.journal.outcome import StepState

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 3, 1, 2, 30, 15, 250000, tzinfo=UTC)
BEGAN = RunBegan(at=AT, plan="sha256:1", pool="pool", differences=("VM a has started on h1",))
INTENDED = Intended(at=AT, step="s1", vm="vm", source="h1", target="h2")
SENT = Sent(at=AT, step="s1", task="OpaqueRef:7")
MOVED = Looked(at=AT, step="s1", state=StepState.MOVED, power_state="Running", resident_on="h2", error=("A", "b"))
ENDED = RunEnded(at=AT, words="all steps are done")
ALL: tuple[Entry, ...] = (BEGAN, INTENDED, SENT, MOVED, ENDED)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal that does not exist, in a folder that does not exist."""
    return tmp_path / "plan" / "journal.jsonl"


def write(path: Path, *entries: Entry) -> Path:
    """A journal with *entries*."""
    with Journal(path) as journal:
        for entry in entries:
            journal.append(entry)
    return path


def test_what_is_written_is_read(path: Path) -> None:
    """Every kind of entry comes back as it went."""
    assert read_journal(write(path, *ALL)) == ALL


def test_no_file_is_an_empty_journal(path: Path) -> None:
    """A plan that was never begun has no entries."""
    assert read_journal(path) == ()


def test_one_line_an_entry_that_any_program_can_read(path: Path) -> None:
    """A line is a JSON object with the event's name and its moment in UTC; the first names the format."""
    lines = [json.loads(line) for line in write(path, *ALL).read_text().splitlines()]
    assert [line["event"] for line in lines] == ["run-began", "intended", "sent", "looked", "run-ended"]
    assert lines[0]["format"] == FORMAT == "rebalancer-journal/1"
    assert {line["at"] for line in lines} == {"2026-03-01T02:30:15.250000+00:00"}


def test_appending_keeps_what_is_there(path: Path) -> None:
    """A second run adds to the journal of the first."""
    write(path, BEGAN, INTENDED)
    assert read_journal(write(path, BEGAN, ENDED)) == (BEGAN, INTENDED, BEGAN, ENDED)


@pytest.mark.parametrize("kept", [1, 10, -1])
def test_a_torn_last_line_never_happened(path: Path, kept: int) -> None:
    """A line without its newline is left out, and the next run does not write into it."""
    write(path, BEGAN, INTENDED)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:kept])
    assert read_journal(path) == (BEGAN,)
    assert read_journal(write(path, MOVED)) == (BEGAN, MOVED)


def test_each_line_is_on_the_disk_before_the_next_call(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is synced once the file exists, the file after each line."""
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else path.read_text()[-4:])

    monkeypatch.setattr(os, "fsync", fsync)
    write(path, BEGAN, ENDED)
    assert synced[1:2] == ["folder"]
    assert len(synced) == 4
    assert synced[2].endswith("}\n")


@pytest.mark.parametrize(
    "body",
    [
        "not json\n",
        '{"event": "looted"}\n',
        '{"event": "sent", "at": "2026-03-01T00:00:00+00:00", "step": "s1"}\n',
        '{"event": "sent", "at": "yesterday", "step": "s1", "task": "t"}\n',
        "[]\n",
        '{"event": "run-ended", "at": "2026-03-01T00:00:00+00:00", "words": "x"}\n',
        '{"event":"run-began","at":"2026-03-01T00:00:00+00:00","plan":"p","pool":"q","format":"rebalancer-journal/9"}\n',
    ],
)
def test_what_is_no_journal_is_refused(path: Path, body: str) -> None:
    """A foreign file, a damaged line, a missing start and an unknown format: one sentence each, naming the file."""
    path.parent.mkdir()
    path.write_text(body)
    with pytest.raises(InputError, match=r"journal\.jsonl"):
        read_journal(path)


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A folder in the place of the journal is an input error, not an OSError."""
    with pytest.raises(InputError, match="cannot be used"):
        Journal(tmp_path)


def test_the_history_of_a_step_is_its_last_state(path: Path) -> None:
    """State, task and moment of the last call are known for each step that was begun."""
    assert histories(path, ALL) == {"s1": StepHistory(state=StepState.MOVED, task="OpaqueRef:7", intended=INTENDED)}
    assert histories(path, (BEGAN, ENDED)) == {}


@pytest.mark.parametrize(
    ("entries", "unsettled"), [((BEGAN, INTENDED), True), ((BEGAN, INTENDED, SENT), True), (ALL, False)]
)
def test_a_call_without_a_look_is_unsettled(path: Path, entries: tuple[Entry, ...], unsettled: bool) -> None:
    """Whatever ends after an intent and before a look may be under way unwatched."""
    assert histories(path, entries)["s1"].unsettled is unsettled


@pytest.mark.parametrize("entries", [(BEGAN, SENT), (BEGAN, INTENDED, INTENDED), (*ALL, INTENDED), (*ALL, MOVED)])
def test_an_impossible_order_is_refused(path: Path, entries: tuple[Entry, ...]) -> None:
    """A call never intended, intended twice without a look, or intended after it was done: an edited journal."""
    with pytest.raises(InputError, match="step s1 cannot be"):
        histories(path, entries)


LINES = [
    ("step", {}, ["s1"], None, 7),
    ("task", {}, None, 1),
    ("vm", [], None),
    ("at", "2026-03-01T00:00:00", "2026-03-01T02:00:00+02:00", 5, None, []),
    ("wire_seconds", "x", -1.0, True, 1e308, float("nan")),
    ("error", "x", [1], {"a": 1}),
    ("state", {}, "lost", None),
    ("resident_on", {}, 1),
    ("differences", "x", [None]),
]


@pytest.mark.parametrize(("field", "value"), [(name, value) for name, *values in LINES for value in values])
def test_a_value_of_another_kind_is_refused(path: Path, field: str, value: object) -> None:
    """A journal that somebody edited is an input error, never a crash in the middle of a run."""
    write(path, *ALL)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert any(field in line for line in lines)
    edited = [line | ({field: value} if field in line else {}) for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in edited))
    with pytest.raises(InputError, match="is no journal entry"):
        read_journal(path)


def test_a_pipe_is_no_journal(path: Path) -> None:
    """Nobody waits for what somebody may write into it."""
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    with pytest.raises(InputError, match="it is a pipe"):
        read_journal(path)
