"""Where a pool comes from: a live pool by URL, a snapshot file or a database dump."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rebalancer.demand import LoadProfile, join_profiles
from rebalancer.errors import ConnectionSettingsError, InputError, MetricsRefused, SnapshotError
from rebalancer.inventory import Pool, join_pools
from rebalancer.inventory.dump import records_from_dump
from rebalancer.inventory.records import pool_from_records
from rebalancer.plan.plan import Plan
from rebalancer.policy import DemandPolicy
from rebalancer.snapshot import Snapshot, read_snapshot
from rebalancer.xapi import Credentials, LivePair, LivePool, Trust, connect, live_pool, measure, read_pool

FILES = {".json", ".gz", ".xml", ".toml"}
"""What no pool's address ends in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How to get into a live pool: credentials and trust, as the options gave them.

    `beside` is the pool that is read with it, `beside_credentials_file` what logs in there where that differs.
    """

    ca_file: Path | None
    fingerprints: Sequence[str] | None
    credentials_file: Path | None
    beside: str | None = None
    beside_credentials_file: Path | None = None

    def of_beside(self, source: str) -> Door:
        """How to get into the other pool, beside which *source* is read."""
        return replace(self, credentials_file=self.beside_credentials_file or self.credentials_file, beside=source)

    def assert_unused(self, source: str) -> None:
        """Pass where no option says how to get into *source*, which is a file, or any is of use for the pool beside.

        Raises:
            ConnectionSettingsError: there is one.
        """
        if self.beside and is_url(self.beside):
            return
        given = {
            "--fingerprint": self.fingerprints,
            "--ca-file": self.ca_file,
            "--credentials": self.credentials_file,
        }
        for option in [name for name, value in given.items() if value]:
            problem = f"it says how to get into a live pool, and {source} is a file"
            raise ConnectionSettingsError(option, problem, "Leave it out, or name the pool's URL")

    def trust(self) -> Trust:
        """Which certificates are trusted."""
        return Trust(ca_file=self.ca_file, fingerprints=frozenset(self.fingerprints or ()))

    def credentials(self) -> Credentials:
        """User and password, from the file or the environment."""
        return Credentials.from_file(self.credentials_file) if self.credentials_file else Credentials.from_environment()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A pool, its load profile where there is one, and why there is none."""

    pool: Pool
    demand: LoadProfile | None
    refused: MetricsRefused | None
    source: str
    taken_at: datetime


def is_url(source: str) -> bool:
    """Whether *source* names a live pool."""
    return "://" in source


def open_source(source: str, door: Door, demand: DemandPolicy, *, metrics: bool = True) -> Situation:
    """The pool behind *source* and, if *metrics*, its load profile; joined with the pool that *door* names beside it.

    Raises:
        SnapshotError: the file is missing, truncated or something else.
        ConnectionSettingsError: a file, and options for getting into a live pool.
        XapiError: the live pool cannot be read.
        InputError: the pools cannot be joined, or only one of them has metrics.
    """
    here = _open(source, door, demand, metrics=metrics)
    if door.beside is None:
        return here
    return _joined(here, _open(door.beside, door.of_beside(source), demand, metrics=metrics))


def _joined(here: Situation, there: Situation) -> Situation:
    """Two pools as one, as old as the older one."""
    pool, refused = join_pools(here.pool, there.pool), here.refused or there.refused
    profiles = [each.demand for each in (here, there) if each.demand is not None and refused is None]
    if len(profiles) == 1:
        bare = next(each for each in (here, there) if each.demand is None)
        remedy = "Read both with metrics, or say --no-metrics"
        raise InputError(bare.source, "it has no metrics, and the other pool has some", remedy)
    return Situation(
        pool=pool,
        demand=join_profiles(*profiles) if profiles else None,
        refused=refused,
        source=f"{here.source} + {there.source}",
        taken_at=min(here.taken_at, there.taken_at),
    )


def _open(source: str, door: Door, demand: DemandPolicy, *, metrics: bool) -> Situation:
    """One pool."""
    if is_url(source):
        return _live(source, door, demand, metrics=metrics)
    path = _file(source)
    door.assert_unused(source)
    if path.name.endswith((".xml", ".xml.gz")):
        return _dump(path)
    snapshot = read_snapshot(path)
    carried = snapshot.demand if metrics else None
    return Situation(pool=snapshot.pool, demand=carried, refused=None, source=str(path), taken_at=snapshot.taken_at)


def _file(source: str) -> Path:
    """*source* as a path.

    Raises:
        SnapshotError: no file is there.
    """
    path = Path(source)
    if path.is_dir():
        raise SnapshotError(str(path), "it is a folder", "Name a snapshot, a database dump or a pool's URL")
    if not path.exists():
        may_be_pool = "/" not in source and path.suffix not in FILES
        pool = f", or write https://{source} if it is a pool" if may_be_pool else ""
        raise SnapshotError(source, "there is no such file", f"Name a snapshot or a database dump{pool}")
    return path


def open_live(url: str, door: Door, plan: Plan) -> LivePool | LivePair:
    """The pool of *plan* at *url*, to be changed; both, where the plan is for two.

    Raises:
        InputError: *door* names another pool and the plan is for one, or the other way round.
        ConnectionSettingsError, XapiError: see `live_pool`.
    """
    two = bool(plan.made_from.beside)
    if two != bool(door.beside):
        called = f"the plan is for {'pools' if two else 'pool'} {plan.made_from.called}"
        remedy = "Name the URL of the other pool there" if two else "Leave it out"
        raise InputError("--beside", called, remedy)
    live = live_pool(url, door.credentials(), door.trust())
    if not door.beside:
        return live
    with ExitStack() as stack:
        stack.enter_context(live)
        other = live_pool(door.beside, door.of_beside(url).credentials(), door.trust())
        stack.pop_all()
    return LivePair(live, other)


def with_demand_from(situation: Situation, table: Path, demand: DemandPolicy) -> Situation:
    """The same pool with the load profile of a table.

    Raises:
        InputError: the table cannot be used.
        MetricsRefused: what it holds is not good enough.
    """
    from rebalancer.demand.tables import profile_from_table  # noqa: PLC0415 - pandas, only where a table is read

    return replace(situation, demand=profile_from_table(table, situation.pool, demand), refused=None)


def as_snapshot(situation: Situation) -> Snapshot:
    """What is written to a snapshot file."""
    return Snapshot(pool=situation.pool, demand=situation.demand, taken_at=situation.taken_at, source=situation.source)


def _dump(path: Path) -> Situation:
    """A database dump: an inventory without metrics."""
    taken_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    pool = pool_from_records(records_from_dump(path))
    return Situation(pool=pool, demand=None, refused=None, source=str(path), taken_at=taken_at)


def _live(url: str, door: Door, demand: DemandPolicy, *, metrics: bool) -> Situation:
    """A live pool, read in one session."""
    with connect(url, door.credentials(), door.trust()) as session:
        pool = read_pool(session)
        taken_at = datetime.now(UTC)
        try:
            profile, refused = (measure(session, pool, demand) if metrics else None), None
        except MetricsRefused as error:
            profile, refused = None, error
    return Situation(pool=pool, demand=profile, refused=refused, source=url, taken_at=taken_at)
