"""What the history knows of a pool's past, as replays take it: hours of load, and moves that were made."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from rebalancer.demand.recording import Recording, whole_day_from
from rebalancer.execute import StepState
from rebalancer.history.answers import MoveRow, Period
from rebalancer.history.queries import moves_of
from rebalancer.history.samples import hours_of
from rebalancer.history.store import Store
from rebalancer.inventory import Pool
from rebalancer.units import HOURS_A_DAY


def recording_before(store: Store, pool: Pool, moment: datetime, days: int) -> Recording | None:
    """The load of *pool* in the last so many whole *days*, in UTC, before *moment*; None where no hour is known.

    It begins with the first day of which anything is known. VMs that *pool* no longer has are left out.

    Raises:
        HistoryError: the database cannot be used.
    """
    end = whole_day_from(moment) - timedelta(days=0 if whole_day_from(moment) == moment else 1)
    vms, hosts = tuple(vm.uuid for vm in pool.resident_guests()), tuple(pool.hosts)
    found = hours_of(store, pool.uuid, (*vms, *hosts), end - timedelta(days=days), days * HOURS_A_DAY)
    known = np.flatnonzero(~np.isnan(found[: len(vms)]).all(axis=0))
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


def moves_made(store: Store, pool: Pool, since: datetime, until: datetime) -> tuple[MoveRow, ...]:
    """The moves in *pool* that arrived, from *since* on and before *until*, the earliest first.

    Raises:
        HistoryError: the database cannot be used.
    """
    rows = moves_of(store, Period(since=since, until=until), pools=(pool.uuid,))
    return tuple(row for row in rows if row.state == StepState.MOVED.value)
