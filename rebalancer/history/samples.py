"""Hours of load, kept longer than XAPI does: a row for each VM or host and day in UTC."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, select

from rebalancer.demand import LoadProfile
from rebalancer.history.store import Store
from rebalancer.history.tables import OWNERS, SAMPLES
from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.sanitise import one_line
from rebalancer.units import HOURS_A_DAY

Hours = NDArray[np.float64]
GRAIN = 10_000
"""Parts of a pCPU: as fine as profiles are."""
UNKNOWN = -1
KIND = np.dtype("<i4")
VM, HOST = "vm", "host"


def keep_samples(store: Store, pool: Pool, demand: LoadProfile) -> int:
    """Keep the hours that *demand* was made of; the number of days of VMs and hosts that were new or said more.

    Raises:
        HistoryError: the database cannot be used.
    """
    if demand.series is None:
        return 0
    names, start = Names(pool), demand.window_start
    vms = {vm: (VM, names.vms.get(vm, vm)) for vm in demand.vms}
    hosts = {host: (HOST, names.hosts.get(host, host)) for host in demand.hosts if host not in demand.refused}
    rows = dict(zip(demand.vms, demand.series.vm_pcpu, strict=True))
    rows |= {host: row for host, row in zip(demand.hosts, demand.series.host_base_pcpu, strict=True) if host in hosts}
    with store.writing() as connection:
        ids = _owners(connection, pool.uuid, vms | hosts)
        return _merge(connection, {ids[uuid]: row for uuid, row in rows.items()}, start)


def _owners(connection: Connection, pool: Uuid, called: Mapping[Uuid, tuple[str, str]]) -> dict[Uuid, int]:
    """The number of each VM and host; new ones are entered, and names are those of now."""
    known = {row.uuid: row for row in connection.execute(select(OWNERS).where(OWNERS.c.pool_uuid == pool))}
    told = {uuid: (kind, one_line(name)) for uuid, (kind, name) in called.items()}
    new = [
        {"pool_uuid": pool, "kind": kind, "uuid": uuid, "name": name}
        for uuid, (kind, name) in told.items()
        if uuid not in known
    ]
    if new:
        connection.execute(OWNERS.insert(), new)
    others = ((uuid, name) for uuid, (_, name) in told.items() if uuid in known and known[uuid].name != name)
    renamed = [{"of": uuid, "now": name} for uuid, name in others]
    if renamed:
        named = OWNERS.update().where(OWNERS.c.pool_uuid == pool, OWNERS.c.uuid == bindparam("of"))
        connection.execute(named.values(name=bindparam("now")), renamed)
    found = connection.execute(select(OWNERS.c.uuid, OWNERS.c.id).where(OWNERS.c.pool_uuid == pool))
    return {row.uuid: row.id for row in found}


def _merge(connection: Connection, rows: Mapping[int, Hours], start: datetime) -> int:
    """Put hours from *start* on over those that are known; an hour that is unknown now stays as it was."""
    days = {(owner, day): hours for owner, row in rows.items() for day, hours in by_day(row, start)}
    first, last = min((day for _, day in days), default=None), max((day for _, day in days), default=None)
    if first is None or last is None:
        return 0
    within = select(SAMPLES).where(SAMPLES.c.day >= first, SAMPLES.c.day <= last)
    known = {(row.owner, row.day): row.pcpu for row in connection.execute(within)}
    old = {key: decoded(known[key]) for key in days.keys() & known.keys()}
    merged = {key: np.where(np.isnan(hours), old[key], hours) if key in old else hours for key, hours in days.items()}
    changed = {key: hours for key, hours in merged.items() if key not in old or encoded(hours) != encoded(old[key])}
    same = SAMPLES.c.owner == bindparam("of"), SAMPLES.c.day == bindparam("on")
    replaced = [{"of": owner, "on": day} for owner, day in changed if (owner, day) in old]
    if replaced:
        connection.execute(delete(SAMPLES).where(*same), replaced)
    if changed:
        new = [{"owner": owner, "day": day, "pcpu": encoded(hours)} for (owner, day), hours in changed.items()]
        connection.execute(SAMPLES.insert(), new)
    return len(changed)


def by_day(row: Hours, start: datetime) -> Iterator[tuple[date, Hours]]:
    """The days in UTC that hours from *start* fall into, 24 hours each, without those of which nothing is known."""
    utc = start.astimezone(UTC)
    whole = np.concatenate([np.full(utc.hour, np.nan), row])
    whole = np.concatenate([whole, np.full(-len(whole) % HOURS_A_DAY, np.nan)])
    for number, hours in enumerate(whole.reshape(-1, HOURS_A_DAY)):
        if not np.isnan(hours).all():
            yield utc.date() + timedelta(days=number), hours


def encoded(hours: Hours) -> bytes:
    """24 hours as `SAMPLES` holds them."""
    whole = np.where(np.isnan(hours), UNKNOWN, np.rint(np.nan_to_num(hours) * GRAIN))
    return whole.astype(KIND).tobytes()


def decoded(content: bytes) -> Hours:
    """The hours that *content* holds, NaN where nothing is known."""
    whole = np.frombuffer(content, dtype=KIND)
    return np.where(whole == UNKNOWN, np.nan, whole / GRAIN)


def hours_before(store: Store, pool: Uuid, uuids: Sequence[Uuid], end: datetime, hours: int) -> Hours:
    """The same for so many *hours* up to *end*.

    Raises:
        HistoryError: the database cannot be used.
    """
    return hours_of(store, pool, uuids, end - timedelta(hours=hours), hours)


def hours_of(store: Store, pool: Uuid, uuids: Sequence[Uuid], start: datetime, hours: int) -> Hours:
    """What is known of VMs and hosts of *pool* in so many *hours* from *start*, shape (uuids, hours), NaN elsewhere.

    Raises:
        HistoryError: the database cannot be used.
    """
    first = start.astimezone(UTC)
    days = (first.hour + hours - 1) // HOURS_A_DAY + 1
    whole = np.full((len(uuids), days * HOURS_A_DAY), np.nan)
    place = {uuid: number for number, uuid in enumerate(uuids)}
    for uuid, day, found in _rows(store, pool, first.date(), first.date() + timedelta(days=days)):
        if uuid in place:
            at = (day - first.date()).days * HOURS_A_DAY
            whole[place[uuid], at : at + HOURS_A_DAY] = found
    return whole[:, first.hour : first.hour + hours]


def _rows(store: Store, pool: Uuid, since: date, until: date) -> Iterable[tuple[Uuid, date, Hours]]:
    wanted = (
        select(OWNERS.c.uuid, SAMPLES.c.day, SAMPLES.c.pcpu)
        .join(SAMPLES, SAMPLES.c.owner == OWNERS.c.id)
        .where(OWNERS.c.pool_uuid == pool, SAMPLES.c.day >= since, SAMPLES.c.day < until)
    )
    with store.reading() as connection:
        return [(uuid, day, decoded(content)) for uuid, day, content in connection.execute(wanted)]


def last_day(store: Store, pool: Uuid, until: date) -> date | None:
    """The last day, in UTC, up to *until* of which an hour of *pool* is known.

    Raises:
        HistoryError: the database cannot be used.
    """
    wanted = (
        select(func.max(SAMPLES.c.day))
        .join(OWNERS, SAMPLES.c.owner == OWNERS.c.id)
        .where(OWNERS.c.pool_uuid == pool, SAMPLES.c.day <= until)
    )
    with store.reading() as connection:
        found: date | None = connection.execute(wanted).scalar_one_or_none()
    return found


def known_hours(
    store: Store, kind: str, since: datetime, until: datetime
) -> list[tuple[Uuid, str, Uuid, datetime, float]]:
    """Every hour that is known of all VMs or hosts (*kind*): uuid, name, pool, when it began, pCPUs.

    Raises:
        HistoryError: the database cannot be used.
    """
    wanted = (
        select(OWNERS.c.uuid, OWNERS.c.name, OWNERS.c.pool_uuid, SAMPLES.c.day, SAMPLES.c.pcpu)
        .join(SAMPLES, SAMPLES.c.owner == OWNERS.c.id)
        .where(OWNERS.c.kind == kind, SAMPLES.c.day >= since.date(), SAMPLES.c.day <= until.date())
        .order_by(OWNERS.c.id, SAMPLES.c.day)
    )
    found = []
    with store.reading() as connection:
        for uuid, name, pool, day, content in connection.execute(wanted):
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            for hour, pcpu in enumerate(decoded(content).tolist()):
                at = midnight + timedelta(hours=hour)
                if since <= at < until and not math.isnan(pcpu):
                    found.append((uuid, name, pool, at, pcpu))
    return found
