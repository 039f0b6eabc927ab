"""Filling the history from the state folder: what changed there since the last time is read again, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Table, delete, select

from rebalancer.errors import HistoryError, InputError
from rebalancer.execute.journal.entries import RunBegan
from rebalancer.execute.journal.history import histories
from rebalancer.execute.journal.journal import read_journal
from rebalancer.export import read_plan
from rebalancer.export.folder import OUTCOME_JSON
from rebalancer.export.planfile import PLAN_JSON
from rebalancer.history.nights import nights_in
from rebalancer.history.outcome import read_outcome
from rebalancer.history.rows import Rows, row_of_night, rows_of_check, rows_of_journal, rows_of_plan
from rebalancer.history.store import Store
from rebalancer.history.tables import NIGHTS, OF_CHECKS, OF_JOURNALS, OF_PLANS, PLANS, SOURCES

COPY = ".plan.json"
"""How the copy of a plan that a run leaves beside its notes is called."""
PATTERNS = (
    f"plans/*/*/{PLAN_JSON}",
    f"runs/*{COPY}",
    "journals/*.jsonl",
    "nights/*.jsonl",
    f"plans/*/*/{OUTCOME_JSON}",
)
"""Files of a state folder that tell something."""


@dataclass(slots=True, kw_only=True)
class Filled:
    """How many files of each kind were read, and which could not be."""

    plans: int = 0
    journals: int = 0
    nights: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A file of the state folder as it is now."""

    file: str
    path: Path
    size: int
    changed_ns: int

    @property
    def mark(self) -> tuple[int, int]:
        return self.size, self.changed_ns


def fill(store: Store) -> Filled:
    """Read what is new in the state folder of *store*; each file counts whole or not at all.

    Raises:
        HistoryError: the database cannot be used.
    """
    known, found = marks(store), Filled()
    for source in _sources(store.place.folder):
        if known.get(source.file) == source.mark:
            continue
        try:
            _reader(source)(store, source, found)
        except InputError as error:
            if isinstance(error, HistoryError) and error.where == str(store.place):
                raise
            found.unreadable.append(source.file)
    return found


def rebuild(store: Store) -> Filled:
    """Read the whole state folder of *store* again; what its files do not tell stays: load, and what was pruned there.

    Raises:
        HistoryError: the database cannot be used.
    """
    with store.writing() as connection:
        connection.execute(delete(SOURCES).where(SOURCES.c.folder == store.place.origin))
    return fill(store)


def marks(store: Store) -> dict[str, tuple[int, int]]:
    """Size and time of change of each file of the state folder, as it was when it was read."""
    wanted = select(SOURCES.c.file, SOURCES.c.size, SOURCES.c.changed_ns).where(SOURCES.c.folder == store.place.origin)
    with store.reading() as connection:
        return {file: (size, changed) for file, size, changed in connection.execute(wanted)}


def mark_of(path: Path) -> tuple[int, int]:
    """Size and time of change of a file as it is now.

    Raises:
        OSError: it is gone.
    """
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _sources(folder: Path) -> Iterator[_Source]:
    for pattern in PATTERNS:
        for path in sorted(folder.glob(pattern)):
            with suppress(OSError):  # pruned meanwhile
                size, changed = mark_of(path)
                yield _Source(file=str(path.relative_to(folder)), path=path, size=size, changed_ns=changed)


def _reader(source: _Source) -> Callable[[Store, _Source, Filled], None]:
    if source.path.name == OUTCOME_JSON:
        return _take_outcome
    if source.path.name.endswith(COPY):
        return _take_copy
    if source.path.suffix == ".json":
        return _take_plan
    return _take_journal if source.path.parent.name == "journals" else _take_nights


def _take_plan(store: Store, source: _Source, found: Filled) -> None:
    plan = read_plan(source.path)
    _put(store, source, plan.digest, OF_PLANS, rows_of_plan(plan))
    found.plans += 1


def _take_copy(store: Store, source: _Source, found: Filled) -> None:
    """Read the copy that a run left of its plan, where the plan itself is not known."""
    digest = "sha256:" + source.path.name.removesuffix(COPY)
    with store.writing() as connection:
        known = connection.execute(select(PLANS.c.plan).where(PLANS.c.plan == digest)).first()
        if known:
            _note(connection, store, source, digest)
    if not known:
        _take_plan(store, source, found)


def _take_journal(store: Store, source: _Source, found: Filled) -> None:
    entries = read_journal(source.path)
    histories(source.path, entries)
    digest = next((each.plan for each in entries if isinstance(each, RunBegan)), "")
    _put(store, source, digest, OF_JOURNALS, rows_of_journal(digest, entries))
    found.journals += 1


def _take_nights(store: Store, source: _Source, found: Filled) -> None:
    rows = {(each.policy, each.began_at, each.pool): row_of_night(each) for each in nights_in(source.path)}
    with store.writing() as connection:
        for row in rows.values():
            same = [NIGHTS.c[name] == row[name] for name in ("policy", "began_at", "pool_uuid")]
            connection.execute(delete(NIGHTS).where(*same))
        if rows:
            connection.execute(NIGHTS.insert(), list(rows.values()))
        _note(connection, store, source, "")
    found.nights += len(rows)


def _take_outcome(store: Store, source: _Source, _found: Filled) -> None:
    outcome = read_outcome(source.path.parent)
    check = outcome.check if outcome else None
    digest = outcome.plan if outcome else ""
    _put(store, source, digest, OF_CHECKS if check else (), rows_of_check(digest, check) if check else {})


def _put(store: Store, source: _Source, digest: str, tables: Sequence[Table], rows: Rows) -> None:
    """Put *rows* in the place of what was known of the plan with *digest*."""
    with store.writing() as connection:
        for table in tables:
            connection.execute(delete(table).where(table.c.plan == digest))
            if rows.get(table):
                connection.execute(table.insert(), list(rows[table]))
        _note(connection, store, source, digest)


def _note(connection: Connection, store: Store, source: _Source, digest: str) -> None:
    origin = store.place.origin
    connection.execute(delete(SOURCES).where(SOURCES.c.folder == origin, SOURCES.c.file == source.file))
    size, changed = source.mark
    row = {"folder": origin, "file": source.file, "size": size, "changed_ns": changed, "plan": digest}
    connection.execute(SOURCES.insert().values(row))
