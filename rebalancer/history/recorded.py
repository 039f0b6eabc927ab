"""What the history knows of a pool's past, as replays take it: hours of load, and moves that were made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand.recording import Recording
from rebalancer.execute import StepState
from rebalancer.history.answers import MoveRow, Period
from rebalancer.history.queries import moves_of
from rebalancer.history.samples import hours_of, last_day
from rebalancer.history.store import Store
from rebalancer.inventory import Pool, Uuid
from rebalancer.units import HOURS_A_DAY


def recording_before(store: Store, pool: Pool, moment: datetime, days: int) -> Recording | None:
    """The load of *pool* in the last so many whole *days*, in UTC, that are known before *moment*; None where none is.

    It begins with the first of them of which anything is known. VMs that *pool* no longer has are left out.

    Raises:
        HistoryError: the database cannot be used.
    """
    vms, hosts = tuple(vm.uuid for vm in pool.resident_guests()), tuple(pool.hosts)
    end = _whole_days_end(store, pool, vms, moment)
    if end is None:
        return None
    found = hours_of(store, pool.uuid, (*vms, *hosts), end - timedelta(days=days), days * HOURS_A_DAY)
    known = _known(found[: len(vms)])
    if not len(known):
        return None
    first = int(known[0]) // HOURS_A_DAY
    hours = found[:, first * HOURS_A_DAY :]
    return Recording(
        vms=vms,
        hosts=hosts,
        start=end - timedelta(days=days - first),
        vm_pcpu=hours[: len(vms)],
        own_pcpu=hours[len(vms) :],
        source="the history",
    )


def _whole_days_end(store: Store, pool: Pool, vms: Sequence[Uuid], moment: datetime) -> datetime | None:
    """The midnight, UTC, up to which the load of *vms* is known before *moment*."""
    last = last_day(store, pool.uuid, moment.astimezone(UTC).date())
    if last is None:
        return None
    midnight = datetime(last.year, last.month, last.day, tzinfo=UTC)
    known = _known(hours_of(store, pool.uuid, vms, midnight, HOURS_A_DAY))
    whole = len(known) and known[-1] == HOURS_A_DAY - 1 and midnight + timedelta(days=1) <= moment
    return midnight + timedelta(days=int(bool(whole)))


def _known(hours: NDArray[np.float64]) -> NDArray[np.intp]:
    """The hours of which anything is known."""
    return np.flatnonzero(~np.isnan(hours).all(axis=0))


def moves_made(store: Store, pool: Pool, since: datetime, until: datetime) -> tuple[MoveRow, ...]:
    """The moves in *pool* that arrived, from *since* on and before *until*, the earliest first.

    Raises:
        HistoryError: the database cannot be used.
    """
    rows = moves_of(store, Period(since=since, until=until), pools=(pool.uuid,))
    return tuple(row for row in rows if row.state == StepState.MOVED.value)
