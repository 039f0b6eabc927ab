"""What each host carried in earlier hours, by the hours of load and the moves that the history knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rebalancer.history.answers import MoveRow
from rebalancer.history.recorded import moves_made
from rebalancer.history.samples import hours_of
from rebalancer.history.store import Store
from rebalancer.objectives import cpu_capacities
from rebalancer.rules.facts.memory_model import guest_bytes, resident_bytes
from rebalancer.wlb.view import View

NOWHERE = -1
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostHours:
    """Hours of hosts, in the order of the pool.

    Args:
        start: when the first hour begins, UTC.
        cpu: share of the pCPUs that plans count on, shape (hosts, hours); NaN where nothing is known.
        free: bytes of memory that guests left free, of the same shape.
        moves: moves that arrived, the earliest first.
    """

    start: datetime
    cpu: NDArray[np.float64]
    free: NDArray[np.float64]
    moves: tuple[MoveRow, ...]


def past_of(store: Store, view: View, since: datetime, until: datetime) -> HostHours:
    """What the pool of *view* was like from *since* on and before *until*.

    A VM is counted where it is now, and before each move that the history knows where that found it; one that runs
    nowhere now is counted nowhere. Its memory is what it has now.

    Raises:
        HistoryError: the database cannot be used.
    """
    pool, start = view.problem.pool, since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = max(0, ceil((until - start) / HOUR))
    moves, every = moves_made(store, pool, since, until), moves_made(store, pool, since, view.seen_at + HOUR)
    vms, hosts = tuple(view.problem.initial), tuple(pool.hosts)
    known = hours_of(store, pool.uuid, (*vms, *hosts), start, hours)
    places = places_of(vms, view, start, hours, every)
    load = known[len(vms) :] + _summed(np.nan_to_num(known[: len(vms)]), places, len(hosts))
    capacities = cpu_capacities(view.problem)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        cpu = np.where(capacities > 0.0, load / capacities, np.nan)
    sizes = np.array([[resident_bytes(pool.vms[vm])] for vm in vms], dtype=np.float64).reshape(len(vms), 1)
    held = _summed(np.broadcast_to(sizes, places.shape), places, len(hosts))
    room = np.array([[guest_bytes(host)] for host in pool.hosts.values()], dtype=np.float64)
    return HostHours(start=start, cpu=cpu, free=room - held, moves=moves)


def places_of(
    vms: Sequence[str], view: View, start: datetime, hours: int, moves: Sequence[MoveRow]
) -> NDArray[np.int64]:
    """The row of the host of each VM in each hour, shape (VMs, hours); `NOWHERE` for hosts that are gone."""
    where, row_of = view.problem.initial.host_of, {vm: number for number, vm in enumerate(vms)}
    places = np.array([[view.place_of[where[vm]]] * hours for vm in vms], dtype=np.int64).reshape(len(vms), hours)
    for move in reversed(moves):
        if move.vm_uuid in row_of:
            before = min(hours, max(0, ceil((move.at - start) / HOUR)))
            places[row_of[move.vm_uuid], :before] = view.place_of.get(move.source_uuid, NOWHERE)
    return places


def _summed(values: NDArray[np.float64], places: NDArray[np.int64], hosts: int) -> NDArray[np.float64]:
    """*values* of VMs added up by host, shape (hosts, hours)."""
    found = np.zeros((hosts, places.shape[1]))
    at = np.broadcast_to(np.arange(places.shape[1]), places.shape)
    there = places != NOWHERE
    np.add.at(found, (places[there], at[there]), values[there])
    return found
