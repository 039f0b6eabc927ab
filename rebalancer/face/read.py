"""Reading a pool, wherever it is: live by its URL, from a snapshot file, or from a database dump."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.demand import as_named_in, join_profiles
from rebalancer.errors import InputError, MetricsRefused, SnapshotError
from rebalancer.face.connection import Connection, is_url
from rebalancer.files.kinds import SNAPSHOT
from rebalancer.files.reading import content_of
from rebalancer.inventory import join_pools
from rebalancer.inventory.dump import is_dump, records_in
from rebalancer.inventory.records import pool_from_records
from rebalancer.policy import DemandPolicy
from rebalancer.snapshot import Snapshot, snapshot_in, write_snapshot
from rebalancer.xapi import connect, measure, read_pool
from rebalancer.xapi.wire.address import in_brackets

if TYPE_CHECKING:
    from rebalancer.xapi import Credentials

FILES = {".json", ".gz", ".xml", ".toml"}
"""What no pool's address ends in."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PoolState(Snapshot):
    """A pool at one moment: `pool`, its `demand` where there are metrics, when it was `taken_at`, from which `source`.

    `refused` tells why its metrics are not good enough to plan on.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> state.save("copy.json")
        >>> state.pool.name, rb.read("copy.json").taken_at == state.taken_at
        ('simulated', True)
    """

    refused: MetricsRefused | None = None

    def save(self, path: Path | str) -> None:
        """Write it to a snapshot file (`.json`, `.json.gz`), which `read` takes in place of the pool.

        Raises:
            MetricsRefused: the metrics were refused; read the pool without them to save it all the same.
            SnapshotError: the file cannot be written.
        """
        if self.refused:
            raise self.refused
        write_snapshot(self, path)


def read(
    source: Path | str,
    way: Connection | Credentials | None = None,
    *,
    demand: DemandPolicy | None = None,
    metrics: bool = True,
    samples: Path | str | None = None,
) -> PoolState:
    """The pool behind *source*, with its load profile.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> len(state.pool.hosts), state.demand is not None
        (5, True)

    Args:
        source: URL of the coordinator, a snapshot file or a database dump, gzip'd or not, whatever its name.
        way: how to get in, and beside which pool, or just who logs in; by default the environment says so.
        demand: how metrics become a profile, `policy.demand`.
        metrics: whether metrics are fetched, and those of a snapshot used.
        samples: a CSV or Parquet file (`vm_uuid`, `time`, `pcpu`) to use instead of the pool's own metrics.

    Raises:
        SnapshotError: the file is missing, truncated or something else.
        ConnectionSettingsError: a file, and settings for getting into a live pool.
        XapiError: the live pool cannot be read.
        InputError: the pools cannot be joined, or only one of them has metrics; or the samples cannot be used.
        MetricsRefused: the samples are not good enough.
    """
    wanted, connection, name = demand or DemandPolicy(), Connection.of(way), str(source)
    measured = metrics and samples is None
    state = _read(name, connection, wanted, metrics=measured)
    if connection.beside is not None:
        there = _read(connection.beside, connection.of_beside(name), wanted, metrics=measured)
        state = _joined(state, there)
    return _sampled(state, Path(samples), wanted) if samples is not None else state


def _joined(here: PoolState, there: PoolState) -> PoolState:
    pool, refused = join_pools(here.pool, there.pool), here.refused or there.refused
    read = zip((here.demand, there.demand), pool.members, strict=True)
    profiles = [as_named_in(demand, member) for demand, member in read if demand is not None and refused is None]
    if len(profiles) == 1:
        bare = next(each for each in (here, there) if each.demand is None)
        remedy = "Read both with metrics, or say --no-metrics"
        raise InputError(bare.source, "it has no metrics, and the other pool has some", remedy)
    return PoolState(
        pool=pool,
        demand=join_profiles(*profiles) if profiles else None,
        refused=refused,
        source=f"{here.source} + {there.source}",
        taken_at=min(here.taken_at, there.taken_at),
    )


def _sampled(state: PoolState, table: Path, demand: DemandPolicy) -> PoolState:
    from rebalancer.demand.tables import profile_from_table  # noqa: PLC0415 - pandas, only where a table is read

    return replace(state, demand=profile_from_table(table, state.pool, demand), refused=None)


def _read(source: str, connection: Connection, demand: DemandPolicy, *, metrics: bool) -> PoolState:
    if is_url(source):
        return _live(source, connection, demand, metrics=metrics)
    path = _file(source)
    connection.assert_unused(source)
    content = content_of(path, SNAPSHOT)
    if is_dump(content):
        return _dump(path, content)
    found = snapshot_in(content, str(path))
    carried = found.demand if metrics else None
    return PoolState(pool=found.pool, demand=carried, source=str(path), taken_at=found.taken_at)


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
        pool = f", or write https://{in_brackets(source) or source} if it is a pool" if may_be_pool else ""
        raise SnapshotError(source, "there is no such file", f"Name a snapshot or a database dump{pool}")
    return path


def _dump(path: Path, content: bytes) -> PoolState:
    taken_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    pool = pool_from_records(records_in(content, str(path)))
    return PoolState(pool=pool, demand=None, source=str(path), taken_at=taken_at)


def _live(url: str, connection: Connection, demand: DemandPolicy, *, metrics: bool) -> PoolState:
    with connect(url, connection.login(), connection.trust(), **connection.wishes()) as session:
        pool = read_pool(session)
        taken_at = datetime.now(UTC)
        try:
            profile, refused = (measure(session, pool, demand) if metrics else None), None
        except MetricsRefused as error:
            profile, refused = None, error
    return PoolState(pool=pool, demand=profile, refused=refused, source=url, taken_at=taken_at)
