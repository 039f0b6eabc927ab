"""Removing what is older than the policy keeps it, and nothing that a run, or the next night, still needs."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Table, delete, select

from rebalancer.errors import HistoryError, InputError
from rebalancer.execute import Looked, journal_path, read_journal
from rebalancer.execute.journal.cooling import rests_until
from rebalancer.execute.journal.entries import Entry, RunBegan, RunEnded
from rebalancer.execute.journal.history import histories
from rebalancer.execute.journal.lock import is_held
from rebalancer.execute.journal.outcome import UNSETTLED, StepState
from rebalancer.execute.journal.past import ends_in
from rebalancer.execute.status.notes import copy_path, notes_path
from rebalancer.export import read_plan
from rebalancer.history.store import Store
from rebalancer.history.tables import (
    NIGHTS,
    OF_CHECKS,
    OF_JOURNALS,
    OF_PLANS,
    OWNERS,
    PLANS,
    RUNS,
    SAMPLES,
    SOURCES,
)
from rebalancer.interruption import uninterrupted
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan
from rebalancer.policy import Policy

UNREST = UNSETTLED | {StepState.HALTED, StepState.ELSEWHERE}
"""States of a step after which somebody has to look, or a call may be under way."""
REMEDY = "Look at its mode and owner"


@dataclass(slots=True, kw_only=True)
class Pruned:
    """What was removed, or would be: folders and files by their names in the state folder, days and rows by number."""

    plans: list[str] = field(default_factory=list)
    journals: list[str] = field(default_factory=list)
    nights: list[str] = field(default_factory=list)
    days_of_load: int = 0
    rows: int = 0

    def __str__(self) -> str:
        files = f"plan folders: {len(self.plans)}, journals: {len(self.journals)}, lists of nights: {len(self.nights)}"
        return f"{files}, days of load: {self.days_of_load}, rows: {self.rows}"

    @property
    def anything(self) -> bool:
        """Whether there is anything."""
        return bool(self.plans or self.journals or self.nights or self.days_of_load or self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A journal that can be read, and the steps that it tells of."""

    path: Path
    plan: str
    pool: Uuid
    last_at: datetime
    ended: bool
    states: Mapping[str, StepState]
    entries: Sequence[Entry]

    @property
    def rests(self) -> bool:
        """Whether nobody writes it, it ended of its own accord, and no step is left to be looked at."""
        return self.ended and not is_held(self.path) and not UNREST & set(self.states.values())


class _Needed:
    """What is still needed of a state folder, by its journals and plans."""

    def __init__(self, store: Store, policy: Policy, now: datetime) -> None:
        self.folder, self.policy, self.now = store.place.folder, policy, now
        self.runs = {run.plan: run for run in map(_run, sorted(self.folder.glob("journals/*.jsonl"))) if run}
        newest: dict[Uuid, _Run] = {}
        for run in self.runs.values():
            if run.pool not in newest or run.last_at > newest[run.pool].last_at:
                newest[run.pool] = run
        self._newest = {run.plan for run in newest.values()}
        self._patient = set(self._with_patience())

    def journal(self, run: _Run) -> bool:
        """Whether the journal of a run has to stay."""
        cool_down = timedelta(hours=self.policy.limits.cool_down_hours)
        young = run.last_at + max(cool_down, timedelta(days=self.policy.history.journals_days)) > self.now
        return young or not run.rests or run.plan in self._newest | self._patient

    def plan(self, plan: Plan) -> bool:
        """Whether a plan has to stay: it may still be approved or carried out, or its run may be taken up."""
        run = self.runs.get(plan.digest)
        young = plan.made_at + timedelta(days=self.policy.history.plans_days) > self.now
        return young or plan.expires_at > self.now or (run is not None and (not run.rests or run.plan in self._newest))

    def _with_patience(self) -> Iterator[str]:
        """Plans in whose runs a VM failed that the policy may yet have patience with."""
        looks = defaultdict[tuple[Uuid, Uuid], list[tuple[Looked, str]]](list)
        for run in self.runs.values():
            for vm, look in ends_in(run.entries, {run.pool}):
                looks[run.pool, vm].append((look, run.plan))
        nights = self.policy.limits.leave_alone_nights
        longest = timedelta(days=max(nights, default=0.0))
        for seen in looks.values():
            ordered = sorted(seen, key=lambda each: each[0].at)
            since = max((n for n, (look, _) in enumerate(ordered, 1) if look.state is StepState.MOVED), default=0)
            until = rests_until([look for look, _ in ordered], nights)
            if until and until + longest > self.now:
                yield from (plan for _, plan in ordered[since:])


def prune(store: Store, policy: Policy, now: datetime, *, dry: bool = False) -> Pruned:
    """Remove what *policy* does not keep any longer; where it is *dry*, only say what that is.

    Files of which nobody can tell what they are stay.

    Raises:
        HistoryError: the database cannot be used, or something cannot be removed.
    """
    needed, found = _Needed(store, policy, now), Pruned()
    gone = [*_plans(needed, found), *_journals(needed, found), *_nights(needed, found)]
    if not dry:
        for path in gone:
            _remove(path)
    with store.writing() as connection, connection.begin_nested() as change:
        found.rows, found.days_of_load = _rows(connection, store, policy, now, gone)
        if dry:
            change.rollback()
    return found


def _run(path: Path) -> _Run | None:
    try:
        entries = read_journal(path)
        told = histories(path, entries)
    except InputError:
        return None
    began = next((each for each in entries if isinstance(each, RunBegan)), None)
    if began is None:
        return None
    turns = (each for each in reversed(entries) if isinstance(each, RunBegan | RunEnded))
    return _Run(
        path=path,
        plan=began.plan,
        pool=began.pool,
        last_at=entries[-1].at,
        ended=isinstance(next(turns), RunEnded),
        states={step: each.state for step, each in told.items()},
        entries=entries,
    )


def _plans(needed: _Needed, found: Pruned) -> Iterator[Path]:
    for pool in sorted(needed.folder.glob("plans/*")):
        folders = sorted(path for path in pool.glob("*") if path.is_dir() and not path.is_symlink())
        for folder in folders[:-1]:  # the latest stays, however old it is
            try:
                plan = read_plan(folder)
            except InputError:
                continue
            if not needed.plan(plan):
                found.plans.append(str(folder.relative_to(needed.folder)))
                yield folder


def _journals(needed: _Needed, found: Pruned) -> Iterator[Path]:
    for digest, run in needed.runs.items():
        if run.path == journal_path(digest, needed.folder) and not needed.journal(run):
            found.journals.append(str(run.path.relative_to(needed.folder)))
            yield run.path
            yield notes_path(digest, needed.folder)
            yield copy_path(digest, needed.folder)


def _nights(needed: _Needed, found: Pruned) -> Iterator[Path]:
    first = f"{needed.now - timedelta(days=needed.policy.history.runs_days):%Y-%m}"
    for path in sorted(needed.folder.glob("nights/*.jsonl")):
        if path.stem < first:
            found.nights.append(str(path.relative_to(needed.folder)))
            yield path


def _remove(path: Path) -> None:
    try:
        with uninterrupted():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise HistoryError(str(path), f"it cannot be removed: {error.strerror}", REMEDY) from error


def _rows(
    connection: Connection, store: Store, policy: Policy, now: datetime, gone: Collection[Path]
) -> tuple[int, int]:
    """Remove rows that are older than they are kept, and of which no file tells but *gone*; how many, and of load."""
    first = now - timedelta(days=policy.history.runs_days)
    origin, folder = store.place.origin, store.place.folder
    sources = connection.execute(select(SOURCES.c.file, SOURCES.c.plan).where(SOURCES.c.folder == origin)).all()
    lost = [row.file for row in sources if _is_gone(folder / row.file, gone)]
    for file in lost:
        connection.execute(delete(SOURCES).where(SOURCES.c.folder == origin, SOURCES.c.file == file))
    told = {row.plan for row in connection.execute(select(SOURCES.c.plan))}
    old = connection.execute(select(PLANS.c.plan).where(PLANS.c.made_at < first)).scalars().all()
    ended = connection.execute(select(RUNS.c.plan).where(RUNS.c.last_at < first)).scalars().all()
    rows = connection.execute(delete(NIGHTS).where(NIGHTS.c.began_at < first)).rowcount
    rows += _forget(connection, {*old} - told, (*OF_PLANS, *OF_CHECKS))
    rows += _forget(connection, {*ended} - told, OF_JOURNALS)
    day = (now - timedelta(days=policy.history.samples_days)).date()
    days = connection.execute(delete(SAMPLES).where(SAMPLES.c.day < day)).rowcount
    connection.execute(delete(OWNERS).where(OWNERS.c.id.not_in(select(SAMPLES.c.owner))))
    return rows, days


def _is_gone(path: Path, gone: Collection[Path]) -> bool:
    return path in gone or path.parent in gone or not path.exists()


def _forget(connection: Connection, plans: Collection[str], tables: Sequence[Table]) -> int:
    return sum(
        connection.execute(delete(table).where(table.c.plan == plan)).rowcount for plan in plans for table in tables
    )
