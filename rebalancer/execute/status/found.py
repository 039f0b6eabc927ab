"""Runs that a state folder tells of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from rebalancer.errors import PlanFileError
from rebalancer.execute.journal.entries import RunBegan
from rebalancer.execute.journal.folders import journal_path, lock_path, state_folder
from rebalancer.execute.journal.history import entries_for
from rebalancer.execute.journal.lock import is_held
from rebalancer.execute.journal.past import entries_of
from rebalancer.execute.status.notes import Notes, copy_path, read_notes
from rebalancer.execute.status.run_status import RunStatus
from rebalancer.execute.status.sight import Sight, status_of
from rebalancer.export import read_plan
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan

LATEST: Final = 100
"""Journals that are looked at; a run that is older than all of them is of no interest any more."""


def run_of(plan: Plan, now: datetime, state_dir: Path | None = None) -> RunStatus:
    """The newest run of *plan*, by the state folder.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> found = rb.execute.run_of(plan, datetime.now(UTC))
        >>> found.state.value, len(found.steps)
        ('not begun', 5)

    Raises:
        InputError: the journal cannot be read, was edited, or belongs to another plan.
    """
    notes = read_notes(plan.digest, state_dir)
    journal = _journal(plan.digest, notes, state_dir)
    return status_of(
        Sight(
            plan=plan,
            journal=journal,
            entries=entries_for(plan, journal),
            notes=notes,
            written=is_held(journal),
            locked=is_held(lock_path(plan.made_from.pool, state_dir)),
            now=now,
        )
    )


def runs_in(now: datetime, state_dir: Path | None = None) -> tuple[RunStatus, ...]:
    """The newest run of each pool that the state folder knows, the newest first. What cannot be read tells nothing.

    Example:
        >>> from datetime import UTC, datetime
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> rb.execute.runs_in(datetime.now(UTC), Path("state"))
        ()
    """
    found: dict[Uuid, RunStatus] = {}
    for digest in _digests(state_dir):
        notes = read_notes(digest, state_dir)
        journal = _journal(digest, notes, state_dir)
        entries = entries_of(journal)
        began = next((each for each in entries if isinstance(each, RunBegan)), None)
        if began is None or began.pool in found:
            continue
        found[began.pool] = status_of(
            Sight(
                plan=_plan(digest, state_dir),
                journal=journal,
                entries=entries,
                notes=notes,
                written=is_held(journal),
                locked=is_held(lock_path(began.pool, state_dir)),
                now=now,
            )
        )
    return tuple(found.values())


def is_any_locked(state_dir: Path | None = None) -> bool:
    """Whether a process holds the lock of any pool, by the state folder: a run, or a night that plans.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> rb.execute.is_any_locked(Path("state"))
        False
    """
    return any(is_held(path) for path in sorted(state_folder(state_dir).glob("locks/*.lock")))


def _digests(state_dir: Path | None) -> Iterator[str]:
    """The digests of plans that were begun, as files are named by them, the latest first."""
    folder = state_folder(state_dir)
    notes = (each for each in folder.glob("runs/*.json") if not each.name.endswith(".plan.json"))
    latest: dict[str, float] = {}
    for path in (*folder.glob("journals/*.jsonl"), *notes):
        latest[path.stem] = max(path.stat().st_mtime, latest.get(path.stem, 0.0))
    yield from sorted(latest, key=lambda digest: -latest[digest])[:LATEST]


def _journal(digest: str, notes: Notes | None, state_dir: Path | None) -> Path:
    return Path(notes.journal) if notes and notes.journal else journal_path(digest, state_dir)


def _plan(digest: str, state_dir: Path | None) -> Plan | None:
    try:
        return read_plan(copy_path(digest, state_dir))
    except PlanFileError:
        return None
