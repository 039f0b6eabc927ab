"""Filling the history from the state folder: what changed there since the last time is read again, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Table, delete, select

from rebalancer.errors import InputError
from rebalancer.execute.journal.entries import RunBegan
from rebalancer.execute.journal.history import histories
from rebalancer.execute.journal.journal import read_journal
from rebalancer.export import read_plan
from rebalancer.export.folder import OUTCOME_JSON
from rebalancer.export.planfile import PLAN_JSON
from rebalancer.history.nights import nights_in
from rebalancer.history.outcome import read_outcome
from rebalancer.history.rows import Row, Rows, row_of_night, rows_of_check, rows_of_journal, rows_of_plan
from rebalancer.history.store import Store
from rebalancer.history.tables import NIGHTS, OF_CHECKS, OF_JOURNALS, OF_PLANS, PLANS, RUNS, SOURCES

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

    @property
    def copied(self) -> str:
        """The digest of the plan that it is the copy of, which a run left; "" for anything else."""
        return f"sha256:{self.path.name.removesuffix(COPY)}" if self.path.name.endswith(COPY) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a file tells: rows of the plan with `digest`, in the place of those in `tables`; and nights."""

    digest: str = ""
    tables: Sequence[Table] = ()
    rows: Rows = field(default_factory=dict)
    nights: Sequence[Row] = ()


def fill(store: Store) -> Filled:
    """Read what is new in the state folder of *store*; each file counts whole or not at all.

    Raises:
        HistoryError: the database cannot be used.
    """
    known, found, plans = marks(store), Filled(), _plans_of(store)
    for source in _sources(store.place.folder):
        if known.get(source.file) == source.mark:
            continue
        try:
            told = _Told() if source.copied and source.copied in plans else _told(source)
        except InputError:
            found.unreadable.append(source.file)
            continue
        _put(store, source, told)
        plans.add(told.digest)
        found.plans += PLANS in told.rows
        found.journals += RUNS in told.rows
        found.nights += len(told.nights)
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


def _plans_of(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.execute(select(PLANS.c.plan)).scalars())


def _told(source: _Source) -> _Told:
    """What is in a file.

    Raises:
        InputError: it cannot be read.
    """
    if source.path.name == OUTCOME_JSON:
        return _of_outcome(source)
    if source.path.suffix == ".json":
        plan = read_plan(source.path)
        return _Told(digest=plan.digest, tables=OF_PLANS, rows=rows_of_plan(plan))
    return _of_journal(source) if source.path.parent.name == "journals" else _of_nights(source)


def _of_journal(source: _Source) -> _Told:
    entries = read_journal(source.path)
    histories(source.path, entries)
    digest = next((each.plan for each in entries if isinstance(each, RunBegan)), "")
    return _Told(digest=digest, tables=OF_JOURNALS, rows=rows_of_journal(digest, entries))


def _of_nights(source: _Source) -> _Told:
    nights = {(each.policy, each.began_at, each.pool): each for each in nights_in(source.path)}
    return _Told(nights=[row_of_night(each) for each in nights.values()])


def _of_outcome(source: _Source) -> _Told:
    outcome = read_outcome(source.path.parent)
    if outcome is None or outcome.check is None:
        return _Told()
    return _Told(digest=outcome.plan, tables=OF_CHECKS, rows=rows_of_check(outcome.plan, outcome.check))


def _put(store: Store, source: _Source, told: _Told) -> None:
    """Put what a file tells in the place of what was known of it, and note that it was read."""
    with store.writing() as connection:
        for table in told.tables:
            connection.execute(delete(table).where(table.c.plan == told.digest))
            if told.rows.get(table):
                connection.execute(table.insert(), list(told.rows[table]))
        for row in told.nights:
            same = [NIGHTS.c[name] == row[name] for name in ("policy", "began_at", "pool_uuid")]
            connection.execute(delete(NIGHTS).where(*same))
        if told.nights:
            connection.execute(NIGHTS.insert(), list(told.nights))
        _note(connection, store, source, told.digest)


def _note(connection: Connection, store: Store, source: _Source, digest: str) -> None:
    origin = store.place.origin
    connection.execute(delete(SOURCES).where(SOURCES.c.folder == origin, SOURCES.c.file == source.file))
    size, changed = source.mark
    row = {"folder": origin, "file": source.file, "size": size, "changed_ns": changed, "plan": digest}
    connection.execute(SOURCES.insert().values(row))
