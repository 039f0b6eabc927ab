"""VMs that arrive after their run was killed are noted once, by whoever reads the pool next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rebalancer.execute.journal.arrivals import note_arrivals
from rebalancer.execute.journal.cooling import moved_since
from rebalancer.execute.journal.entries import AFTERWARDS, Entry, Intended, Looked, RunBegan, Sent
from rebalancer.execute.journal.journal import Journal, read_journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.journal.past import experiences_in
from rebalancer.history.ended import outcome_by
from rebalancer.inventory import Pool
from tests.execute.scripted import MADE_AT, plan_of
from tests.pools import make_host, make_pool, make_vm

DAY = timedelta(days=1)
BEFORE = make_pool(hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("a", on="h1")])
ARRIVED = make_pool(hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("a", on="h2")])
BUSY = replace(ARRIVED, vms={"a": replace(ARRIVED.vms["a"], current_operations=("pool_migrate",))})
PLAN = plan_of(BEFORE, ("a", "h2"))


def killed(folder: Path) -> Path:
    """The journal of a run that was killed while a was under way to h2."""
    path = folder / "journals" / "killed.jsonl"
    entries: list[Entry] = [
        RunBegan(at=MADE_AT, plan=PLAN.digest, pool=BEFORE.uuid),
        Intended(at=MADE_AT, step="s01", vm="a", source="h1", target="h2", wire_seconds=20.0),
        Sent(at=MADE_AT, step="s01", task="OpaqueRef:1"),
    ]
    with Journal(path) as journal:
        for entry in entries:
            journal.append(entry)
    return path


def test_who_arrived_is_noted_once(tmp_path: Path) -> None:
    """Cool-down counts from then on; nobody learns from a time that nobody measured, and the run ended when it did."""
    path = killed(tmp_path)
    assert note_arrivals(ARRIVED, MADE_AT + DAY, tmp_path) == ("a",)
    assert note_arrivals(ARRIVED, MADE_AT + 2 * DAY, tmp_path) == ()
    entries = read_journal(path)
    assert isinstance(entries[-1], Looked)
    assert (entries[-1].state, entries[-1].words) == (StepState.MOVED, AFTERWARDS)
    assert moved_since(ARRIVED.uuid, MADE_AT, tmp_path) == {"a": MADE_AT + DAY}
    assert list(experiences_in(entries, ARRIVED.uuid)) == []
    outcome = outcome_by(PLAN, entries)
    assert (outcome.done, outcome.ended_at) == (("s01",), MADE_AT)


@pytest.mark.parametrize("pool", [BEFORE, BUSY, replace(ARRIVED, uuid="elsewhere")], ids=["home", "busy", "other pool"])
def test_who_has_not_arrived_is_not_noted(tmp_path: Path, pool: Pool) -> None:
    """Nor who is busy, nor anybody by what another pool shows."""
    before = read_journal(killed(tmp_path))
    assert note_arrivals(pool, MADE_AT + DAY, tmp_path) == ()
    assert read_journal(tmp_path / "journals" / "killed.jsonl") == before


def test_old_runs_are_left_alone(tmp_path: Path) -> None:
    """Where a VM is weeks later says nothing of the run."""
    killed(tmp_path)
    assert note_arrivals(ARRIVED, MADE_AT + 9 * DAY, tmp_path) == ()
