"""What became of migrations whose run was killed is noted once, by whoever reads the pool next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rebalancer.execute.journal.cooling import ONE_NIGHT, left_alone, moved_since
from rebalancer.execute.journal.ends_of_killed import note_ends
from rebalancer.execute.journal.entries import AFTERWARDS, NOT_ARRIVED, Entry, Intended, Looked, RunBegan, Sent
from rebalancer.execute.journal.journal import Journal, read_journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.journal.past import Journals, experiences_in
from rebalancer.history.ended import outcome_by
from rebalancer.history.rows import rows_of_journal
from rebalancer.history.tables import ENDS
from rebalancer.inventory import Pool, PowerState
from tests.execute.scripted import MADE_AT, plan_of
from tests.pools import make_host, make_pool, make_vm

DAY = timedelta(days=1)
BEFORE = make_pool(hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("a", on="h1")])
ARRIVED = make_pool(hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("a", on="h2")])
BUSY = replace(ARRIVED, vms={"a": replace(ARRIVED.vms["a"], current_operations=("pool_migrate",))})
PLAN = plan_of(BEFORE, ("a", "h2"))


def intended(later: timedelta = timedelta()) -> Intended:
    """The call for a, about to be sent."""
    return Intended(at=MADE_AT + later, step="s01", vm="a", source="h1", target="h2", wire_seconds=20.0)


def killed(folder: Path, *, sent: bool = True) -> Path:
    """The journal of a run that was killed while a was under way to h2, or right before it heard so."""
    path = folder / "journals" / "killed.jsonl"
    entries: list[Entry] = [
        RunBegan(at=MADE_AT, plan=PLAN.digest, pool=BEFORE.uuid),
        intended(),
        Sent(at=MADE_AT, step="s01", task="OpaqueRef:1"),
    ]
    with Journal(path) as journal:
        for entry in entries if sent else entries[:-1]:
            journal.append(entry)
    return path


def test_who_arrived_is_noted_once(tmp_path: Path) -> None:
    """Cool-down counts from then on; nobody learns from a time that nobody measured, and the run ended when it did."""
    path = killed(tmp_path)
    assert note_ends(ARRIVED, MADE_AT + DAY, tmp_path) == ("a",)
    assert note_ends(ARRIVED, MADE_AT + 2 * DAY, tmp_path) == ()
    entries = read_journal(path)
    assert isinstance(entries[-1], Looked)
    assert (entries[-1].state, entries[-1].words) == (StepState.MOVED, AFTERWARDS)
    assert moved_since(ARRIVED.uuid, MADE_AT, tmp_path) == {"a": MADE_AT + DAY}
    assert list(experiences_in(entries, ARRIVED.uuid)) == []
    outcome = outcome_by(PLAN, entries)
    assert (outcome.done, outcome.ended_at) == (("s01",), MADE_AT)


OFF = replace(BEFORE, vms={"a": replace(BEFORE.vms["a"], power_state=PowerState.HALTED, resident_on=None)})
LEFT = replace(BEFORE, vms={"a": replace(BEFORE.vms["a"], scheduled_to_be_resident_on="h2")})
LEAVING = replace(BEFORE, vms={"a": replace(BEFORE.vms["a"], current_operations=("pool_migrate",))})
NOTHING = {
    "may still come": (BEFORE, timedelta(hours=2)),
    "busy": (BUSY, DAY),
    "still under way": (LEAVING, DAY),
    "still expected": (LEFT, DAY),
    "off": (OFF, DAY),
    "other pool": (replace(ARRIVED, uuid="elsewhere"), DAY),
    "other pool, at home": (replace(BEFORE, uuid="elsewhere"), DAY),
    "gone": (replace(BEFORE, vms={}), DAY),
}


@pytest.mark.parametrize(("pool", "later"), NOTHING.values(), ids=NOTHING)
def test_who_tells_nothing_is_not_noted(tmp_path: Path, pool: Pool, later: timedelta) -> None:
    """A VM that is busy or off, one whose call may still wait, and whatever another pool shows."""
    before = read_journal(killed(tmp_path))
    assert note_ends(pool, MADE_AT + later, tmp_path) == ()
    assert read_journal(tmp_path / "journals" / "killed.jsonl") == before


def test_who_did_not_arrive_has_failed(tmp_path: Path) -> None:
    """Noted once; patience counts it like any failure, and history tells it with its reason."""
    path = killed(tmp_path)
    assert note_ends(BEFORE, MADE_AT + DAY, tmp_path) == ("a",)
    assert note_ends(BEFORE, MADE_AT + 2 * DAY, tmp_path) == ()
    entries = read_journal(path)
    look = entries[-1]
    assert isinstance(look, Looked)
    assert (look.state, look.words, look.resident_on) == (StepState.STAYED, NOT_ARRIVED, "h1")
    (alone,) = left_alone(BEFORE, MADE_AT + DAY, (1, 2), Journals(tmp_path))
    assert (alone.vm, alone.failed_at, alone.failed_with) == ("a", MADE_AT + DAY, NOT_ARRIVED)
    outcome = outcome_by(PLAN, entries)
    assert (outcome.done, outcome.ended_at) == ((), MADE_AT)
    assert [(each.state, each.words) for each in outcome.left] == [("stayed", NOT_ARRIVED)]
    (row,) = rows_of_journal(PLAN.digest, entries)[ENDS]
    assert (row["vm_uuid"], row["state"], row["words"]) == ("a", "stayed", NOT_ARRIVED)


def test_a_second_failure_in_a_row_takes_more_patience(tmp_path: Path) -> None:
    """Whether or not somebody watched the first one."""
    killed(tmp_path)
    note_ends(BEFORE, MADE_AT + DAY, tmp_path)
    again = Looked(at=MADE_AT + 3 * DAY, step="s01", vm="a", state=StepState.STAYED, power_state=None, resident_on=None)
    with Journal(tmp_path / "journals" / "later.jsonl") as journal:
        for entry in (RunBegan(at=MADE_AT + 3 * DAY, plan="later", pool=BEFORE.uuid), intended(3 * DAY), again):
            journal.append(entry)
    (alone,) = left_alone(BEFORE, MADE_AT + 4 * DAY, (1, 2), Journals(tmp_path))
    assert alone.until == again.at + 2 * DAY + ONE_NIGHT


def test_a_call_that_perhaps_never_left_is_no_failure(tmp_path: Path) -> None:
    """The run was killed before it heard that XAPI had taken it: nothing was tried, for all that is known."""
    path = killed(tmp_path, sent=False)
    before = read_journal(path)
    assert note_ends(BEFORE, MADE_AT + DAY, tmp_path) == ()
    assert read_journal(path) == before


def test_what_a_later_run_saw_counts(tmp_path: Path) -> None:
    """A VM that a later step moved, or could not move, says nothing of an older one."""
    path = killed(tmp_path)
    before = read_journal(path)
    seen = Looked(at=MADE_AT + DAY, step="s01", vm="a", state=StepState.REFUSED, power_state=None, resident_on=None)
    with Journal(tmp_path / "journals" / "later.jsonl") as journal:
        for entry in (RunBegan(at=MADE_AT + DAY, plan="later", pool=BEFORE.uuid), intended(DAY), seen):
            journal.append(entry)
    assert note_ends(BEFORE, MADE_AT + 2 * DAY, tmp_path) == ()
    assert read_journal(path) == before


def test_old_runs_are_left_alone(tmp_path: Path) -> None:
    """Where a VM is weeks later says nothing of the run."""
    killed(tmp_path)
    assert note_ends(ARRIVED, MADE_AT + 9 * DAY, tmp_path) == ()
