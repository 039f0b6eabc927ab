"""Load profiles that look back further than XAPI does, by the hours that the history kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile, Series, in_form
from rebalancer.demand.gate import quality_of
from rebalancer.errors import InputError
from rebalancer.history.place import HistoryPlace
from rebalancer.history.samples import hours_before
from rebalancer.history.store import Store
from rebalancer.inventory import Pool
from rebalancer.policy import DemandPolicy
from rebalancer.units import HOURS_A_DAY

XAPI_DAYS = 7
"""So far back RRDs have hours."""


def within_xapi(wanted: DemandPolicy) -> DemandPolicy:
    """*wanted* with no more days than XAPI has hours of."""
    if wanted.window_days <= XAPI_DAYS:
        return wanted
    return wanted.model_copy(update={"window_days": XAPI_DAYS, "same_weekday": False})


def lengthened(store: Store | None, pool: Pool, demand: LoadProfile, wanted: DemandPolicy) -> LoadProfile:
    """*demand* that looks back as many days as is *wanted*; hours that nobody kept are unknown.

    A VM of which less is known than of the whole time is short, as one that is younger; of too few hours, unknown.

    Raises:
        HistoryError: the database cannot be used.
    """
    whole, more = demand.series, wanted.window_days * HOURS_A_DAY
    if whole is None or whole.hours >= more:
        return demand
    start = demand.window_end - timedelta(hours=more)
    count = len(demand.vms)
    older = _older(store, pool, demand, more - whole.hours)
    vms, hosts = np.hstack([older[:count], whole.vm_pcpu]), np.hstack([older[count:], whole.host_base_pcpu])
    series = Series(vm_pcpu=vms, host_base_pcpu=hosts)
    quality = dict(zip(demand.vms, quality_of(series.vm_pcpu, wanted.minimum_coverage), strict=True))
    missing = (None,) * (more - whole.hours)
    flows = tuple(replace(flow, hours=(*missing, *flow.hours)) for flow in demand.flows)
    longer = replace(demand, series=series, quality=quality, window_start=start, flows=flows)
    return in_form(longer, wanted)


def looked_back(
    place: HistoryPlace, pool: Pool, demand: LoadProfile, wanted: DemandPolicy, told: Callable[[str], None]
) -> LoadProfile:
    """*demand* that looks back as many days as is *wanted*, by the history at *place* as it is.

    Where that cannot be used, as *told* hears, hours before those of *demand* are unknown.
    """
    try:
        store = Store.known(place)
        if store:
            with store:
                return lengthened(store, pool, demand, wanted)
    except InputError as error:
        told(f"older load is unknown: {error}")
    return lengthened(None, pool, demand, wanted)


def _older(store: Store | None, pool: Pool, demand: LoadProfile, hours: int) -> NDArray[np.float64]:
    """Hours before those of *demand*, shape (VMs and hosts, hours)."""
    uuids = (*demand.vms, *demand.hosts)
    if store is None:
        return np.full((len(uuids), hours), np.nan)
    return hours_before(store, pool.uuid, uuids, demand.window_start, hours)
