"""Demand of VMs and load of hosts by the hour, as DataFrames.

Slots are told as times of day in the policy's zone: `09:00`, `Tue 09:00` of a week; hours of recorded days as moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.frames.cells import PCPU_DECIMALS, SHARE_DECIMALS
from rebalancer.objectives import cpu_capacities, host_load
from rebalancer.objectives.load import demand_of
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.slots import Slots


def demand_frame(problem: Problem, placement: Placement | None = None) -> pd.DataFrame:
    """One row a VM and slot: `vm_uuid`, `vm`, `host_uuid`, `host` under *placement*, `time`, `hours` it counts, `pcpu`.

    `timezone` is that of `time`, `quality` tells how well the VM is known. By default the placement is that of now.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.demand_frame(model.problem)[["vm", "time", "timezone", "hours"]].head(2)
               vm                      time timezone     hours
        0  db-012 2026-11-23 00:00:00+00:00      UTC  0.142857
        1  db-012 2026-11-23 01:00:00+00:00      UTC  0.142857

    Raises:
        NoMetrics: the problem has no load profile.
    """
    profile, where, names = demand_of(problem), placement or problem.initial, problem.names
    vms = [vm for vm in profile.vms if vm in where]
    rows = [number for number, vm in enumerate(profile.vms) if vm in where]
    called = [(vm, names.vms[vm], where[vm], names.hosts[where[vm]], profile.quality[vm].value) for vm in vms]
    frame = _long(called, profile.vm_pcpu[rows], profile)
    frame.columns = pd.Index(["vm_uuid", "vm", "host_uuid", "host", "quality", "time", "timezone", "hours", "pcpu"])
    return frame


def host_demand_frame(problem: Problem, placement: Placement | None = None) -> pd.DataFrame:
    """One row a host and slot: `host_uuid`, `host`, `time`, `hours`, `pcpu` in all, `own_pcpu` of these for itself.

    `of_pcpus` is what plans count on, `share` the load as a share of it, NaN where the host's load is not counted.
    With a robust policy, peaks are part of `pcpu`.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.host_demand_frame(model.problem)[["host", "time", "of_pcpus"]].head(2)
            host                      time  of_pcpus
        0  alder 2026-11-23 00:00:00+00:00      16.0
        1  alder 2026-11-23 01:00:00+00:00      16.0

    Raises:
        NoMetrics: the problem has no load profile.
    """
    profile, where = demand_of(problem), placement or problem.initial
    hosts, capacities = list(problem.pool.hosts), cpu_capacities(problem)
    called = [(host, problem.names.hosts[host]) for host in hosts]
    frame = _long(called, host_load(where, problem), profile)
    frame.columns = pd.Index(["host_uuid", "host", "time", "timezone", "hours", "pcpu"])
    row_of = {host: number for number, host in enumerate(profile.hosts)}
    own = np.array([profile.host_base_pcpu[row_of[host]] for host in hosts]).reshape(len(hosts), profile.slots)
    of = np.repeat(np.where(capacities > 0, capacities, np.nan), profile.slots)
    return frame.assign(
        own_pcpu=np.round(own.ravel(), PCPU_DECIMALS), of_pcpus=of, share=(frame["pcpu"] / of).round(SHARE_DECIMALS)
    )


def load_frame(problem: Problem, placement: Placement | None = None) -> pd.DataFrame:
    """Load of each host in each slot as a share of its CPU capacity under *placement*; hosts x times of day.

    It is NaN for a host whose load is not counted: dead, without metrics, or of unknown capacity. By default the
    placement is that of now.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> load = rb.frames.load_frame(model.problem)
        >>> load.shape, load.index[0], load.columns[0], load.columns.name
        ((5, 168), 'alder', Timestamp('2026-11-23 00:00:00+0000', tz='UTC'), 'hour')

    Raises:
        NoMetrics: the problem has no load profile.
    """
    profile = demand_of(problem)
    capacities = cpu_capacities(problem)[:, None]
    load = host_load(placement or problem.initial, problem)
    shares = np.round(load / np.where(capacities > 0, capacities, np.nan), SHARE_DECIMALS)
    names = pd.Index(list(problem.names.hosts.values()), name="host")
    return pd.DataFrame(shares, index=names, columns=times_of(profile.when)).sort_index()


def filling_frame(problem: Problem, placement: Placement | None = None) -> pd.DataFrame:
    """How full the pool is in each slot: `used_pcpus`, `of_pcpus`, their `share`, the `busiest` host and its share.

    `busiest_host_uuid` is there to join on. Hosts whose load is not counted are left out.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.filling_frame(model.problem)[["of_pcpus", "busiest"]].head(2)
                                   of_pcpus busiest
        hour
        2026-11-23 00:00:00+00:00      80.0     ash
        2026-11-23 01:00:00+00:00      80.0     ash

    Raises:
        NoMetrics: the problem has no load profile.
    """
    shares = load_frame(problem, placement)
    used = host_load(placement or problem.initial, problem)[cpu_capacities(problem) > 0].sum(axis=0)
    counted = cpu_capacities(problem).sum()
    columns = {
        "used_pcpus": used.round(PCPU_DECIMALS),
        "of_pcpus": counted,
        "share": (used / counted).round(SHARE_DECIMALS),
        "busiest": shares.idxmax(),
        "busiest_share": shares.max(),
        "busiest_host_uuid": shares.idxmax().map({name: uuid for uuid, name in problem.names.hosts.items()}),
    }
    return pd.DataFrame(columns, index=shares.columns)


def times_of(when: Slots) -> pd.Index[Any]:
    """The slots as times of day, or as moments where they are hours of recorded days; the name tells the zone."""
    if not when.days:
        words = [when.short_words(slot) for slot in range(when.count)]
        return pd.Index(words, name=f"time ({when.timezone})")
    starts = [when.start_of(slot) for slot in range(when.count)]
    return pd.DatetimeIndex(starts, name="hour").tz_convert(when.timezone)


def _long(called: Sequence[tuple[str, ...]], pcpu: NDArray[np.float64], profile: LoadProfile) -> pd.DataFrame:
    """A row for each of *called* and slot."""
    slots, times = profile.slots, times_of(profile.when)
    columns = [[cell for cell in cells for _ in range(slots)] for cells in zip(*called, strict=True)]
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame["time"] = list(times) * len(called) if not profile.days else times.append([times] * (len(called) - 1))
    frame["timezone"] = profile.timezone
    frame["hours"] = [float(hours) for hours in profile.hours] * len(called)
    frame["pcpu"] = np.round(pcpu.ravel(), PCPU_DECIMALS)
    return frame
