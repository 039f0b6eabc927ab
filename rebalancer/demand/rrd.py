"""What the hosts' RRDs say, as samples: one row for each VM or host and hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import gcd

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rebalancer.demand.flows import FlowKey, key_of, unit_of
from rebalancer.demand.memory import is_memory, used_memory
from rebalancer.demand.updates import Column, Readings, parse_updates
from rebalancer.demand.vcpus import MOST_CPUS, cpu_number, is_share, vcpu_limit, vm_pcpu
from rebalancer.demand.waiting import WAITING, waiting_pcpu
from rebalancer.errors import MetricsRefused
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.units import SECONDS_PER_HOUR

AVERAGE = "AVERAGE"
CPU_AVG = "cpu_avg"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """What could be read, and why the rest could not.

    Args:
        table: columns `uuid`, `owner` (`vm` or `host`), `time` (start of the interval, UTC) and `pcpu`, none missing.
        refused: the hosts and VMs that sent what nobody can use, each with the reason.
        memory_used: bytes that guests with a dynamic range use, where they tell.
        flows: like `table`, with the names of flows in place of uuids and their rates in place of pCPUs.
        waiting: like `table`, of VMs whose time spent waiting for a pCPU is recorded: `pcpu` is what they wanted on top
            of what they used.
    """

    table: pd.DataFrame
    refused: Mapping[Uuid, str]
    waiting: pd.DataFrame
    flows: pd.DataFrame
    memory_used: Mapping[Uuid, int] = field(default_factory=dict)


def rrd_samples(
    bodies: Mapping[Uuid, bytes],
    pool: Pool,
    ahead: Mapping[Uuid, int] | None = None,
    resources: Collection[str] = (),
) -> Samples:
    """Samples from each host's answer of `/rrd_updates`.

    VMs and control domains use the sum of their `cpu<i>`, hosts `cpu_avg` times their pCPUs, or the sum of their
    `cpu<i>` where one of the two is not said. A VM that two hosts report counts at the host it is on; one that the pool
    does not know is left out. What a VM used while it had more vCPUs than now is cut to those it has now.

    Args:
        bodies: the answers by uuid of the host that gave them; hosts that gave none are left out.
        pool: the pool that was read with them.
        ahead: seconds, whole minutes, that the clock of a host is ahead. Its rows are moved back by as much, and cut
            where hours end by the clocks that are right, so that each hour is the mean of what fell into it.
        resources: what else is read, `network` and `disk`.

    Returns:
        Samples; refused is a host whose answer is cut off or foreign or has a step of over an hour, and a host or VM
        with a value that is out of range.
    """
    series: dict[tuple[str, Uuid], _Series] = {}
    refused: dict[Uuid, str] = {}
    memory_used: dict[Uuid, int] = {}
    flows: dict[FlowKey, _Series] = {}
    for host, body in sorted(bodies.items()):
        try:
            readings = _readings(body, resources)
        except MetricsRefused as error:
            refused[host] = "; ".join(error.reasons)
            continue
        memory_used |= used_memory(readings, host, pool)
        flows |= _flows(host, readings, pool, (ahead or {}).get(host, 0), resources)
        for each in _host_series(host, readings, pool, (ahead or {}).get(host, 0), refused):
            key = each.owner, each.uuid
            if key not in series or each.at_home:
                series[key] = each
    found = list(series.values())
    waiting = [replace(each, pcpu=each.waiting) for each in found if each.waiting is not None]
    return Samples(
        table=_frame(found),
        refused=refused,
        waiting=_frame(waiting),
        flows=_frame([*flows.values()]),
        memory_used=memory_used,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Series:
    """The pCPUs of one VM or host over time, used and `waiting` for; `at_home` when its own host reported it."""

    owner: str
    uuid: Uuid
    at_home: bool
    starts: NDArray[np.int64]
    pcpu: NDArray[np.float64]
    waiting: NDArray[np.float64] | None = None


def _readings(body: bytes, resources: Collection[str]) -> Readings:
    """What one host answered.

    Raises:
        MetricsRefused: it cannot be read, or is coarser than hours.
    """
    readings = parse_updates(body, lambda column: _is_read(column) or _may_flow(column, resources))
    if readings.step_seconds > SECONDS_PER_HOUR:
        step = f"it answers with a step of {readings.step_seconds} s instead of an hour"
        remedy = "set demand.window_days to 7 or less; plan and nightly look back further, by the history"
        raise MetricsRefused([f"{step}, because RRDs keep hours for 7 days only: {remedy}"])
    return readings


def _host_series(host: Uuid, readings: Readings, pool: Pool, ahead: int, refused: dict[Uuid, str]) -> Iterator[_Series]:
    """What the answer of *host* has of each VM and host; those with a value out of range are added to *refused*."""
    starts, pieces = _starts(readings, ahead)
    for (owner, uuid), columns in _cpu_columns(readings.columns).items():
        at_home = owner == "host" or (uuid in pool.vms and pool.vms[uuid].resident_on == host)
        try:
            pcpu, waiting = _pcpu(owner, uuid, columns, readings, pool), _waiting(owner, uuid, columns, readings, pool)
        except MetricsRefused as error:
            if at_home:
                refused[uuid] = "; ".join(error.reasons)
            continue
        if pcpu is not None:
            known = _Series(owner=owner, uuid=uuid, at_home=at_home, starts=starts, pcpu=np.repeat(pcpu, pieces))
            yield known if waiting is None else replace(known, waiting=np.repeat(waiting, pieces))


def _starts(readings: Readings, ahead: int) -> tuple[NDArray[np.int64], int]:
    """When intervals begin by a clock that is right, and into how many parts each row is cut for it."""
    piece = gcd(readings.step_seconds, ahead)
    pieces = np.arange(0, readings.step_seconds, piece)
    return (readings.times[:, None] - readings.step_seconds - ahead + pieces).reshape(-1), len(pieces)


def _flows(
    host: Uuid, readings: Readings, pool: Pool, ahead: int, resources: Collection[str]
) -> dict[FlowKey, _Series]:
    """The flows that *host* reports, each the sum of its data sources; rates that cannot be true are not known."""
    starts, pieces = _starts(readings, ahead)
    summed: dict[FlowKey, NDArray[np.float64]] = {}
    for index, column in enumerate(readings.columns):
        key = key_of(column, host, pool, resources) if resources else None
        if key is not None:
            rates = readings.data[:, index] * unit_of(key.kind)
            true = np.where(np.isfinite(rates) & (rates >= 0), rates, np.nan)
            summed[key] = summed[key] + true if key in summed else true
    return {
        key: _Series(owner="flow", uuid=key.name, at_home=True, starts=starts, pcpu=np.repeat(rates, pieces))
        for key, rates in summed.items()
    }


def _may_flow(column: Column, resources: Collection[str]) -> bool:
    prefixes = {"network": ("vif_", "pif_"), "disk": ("vbd_",)}
    return column.consolidation == AVERAGE and column.source.startswith(
        tuple(prefix for each in resources for prefix in prefixes[each])
    )


def _is_read(column: Column) -> bool:
    return column.consolidation == AVERAGE and (_is_cpu(column) or (column.owner == "vm" and is_memory(column)))


def _is_cpu(column: Column) -> bool:
    return column.source == CPU_AVG or column.source in WAITING or cpu_number(column.source) is not None


def _cpu_columns(columns: tuple[Column, ...]) -> dict[tuple[str, Uuid], dict[str, int]]:
    found: dict[tuple[str, Uuid], dict[str, int]] = defaultdict(dict)
    for index, column in enumerate(columns):
        if _is_cpu(column):
            found[column.owner, column.uuid][column.source] = index
    return dict(found)


def _pcpu(
    owner: str, uuid: Uuid, columns: Mapping[str, int], readings: Readings, pool: Pool
) -> NDArray[np.float64] | None:
    """pCPUs in each row; None for what the pool does not have."""
    if owner == "vm" and uuid in pool.vms:
        vm = pool.vms[uuid]
        pcpu = _vm_pcpu(columns, readings, _vcpus_now(pool, uuid))
        return pcpu if vm.is_control_domain or pcpu is None else np.minimum(pcpu, vcpu_limit(vm) or np.inf)
    if owner == "host" and uuid in pool.hosts:
        return _host_pcpu(pool.hosts[uuid], columns, readings)
    return None


def _waiting(
    owner: str, uuid: Uuid, columns: Mapping[str, int], readings: Readings, pool: Pool
) -> NDArray[np.float64] | None:
    """pCPUs that a guest of the pool waited for in each row; None where that is not recorded."""
    if owner != "vm" or uuid not in pool.vms or pool.vms[uuid].is_control_domain or not columns.keys() >= {*WAITING}:
        return None
    shares = _shares({state: columns[state] for state in WAITING}, readings)
    return waiting_pcpu(shares, _vcpus_now(pool, uuid))


def _vcpus_now(pool: Pool, uuid: Uuid) -> int:
    vm = pool.vms[uuid]
    return (vm.metrics.vcpus_number if vm.metrics else 0) or vm.vcpus_at_startup


def _vm_pcpu(columns: Mapping[str, int], readings: Readings, vcpus_now: int) -> NDArray[np.float64] | None:
    """pCPUs of a VM; None where the answer has no vCPU of it."""
    numbers = {source: number for source in columns if (number := cpu_number(source)) is not None}
    if not numbers:
        return None
    return vm_pcpu(numbers.values(), _shares({each: columns[each] for each in numbers}, readings), vcpus_now)


def _host_pcpu(host: Host, columns: Mapping[str, int], readings: Readings) -> NDArray[np.float64]:
    shares = _shares(columns, readings)
    mean = [index for index, source in enumerate(columns) if source == CPU_AVG]
    if mean and host.pcpus:
        return np.asarray(shares[:, mean[0]] * host.pcpus, dtype=np.float64)
    cpus = np.delete(shares, mean, axis=1)
    return np.asarray(cpus.sum(axis=1) if cpus.shape[1] else np.full(len(cpus), np.nan), dtype=np.float64)


def _shares(columns: Mapping[str, int], readings: Readings) -> NDArray[np.float64]:
    """The columns' values, shape (rows, columns).

    Raises:
        MetricsRefused: one cannot be a share of one CPU.
    """
    highest = max((cpu_number(source) or 0 for source in columns), default=0)
    if highest >= MOST_CPUS:
        raise MetricsRefused([f"it reports a CPU number {highest}"])
    shares = readings.data[:, list(columns.values())]
    wrong = np.argwhere(~is_share(shares))
    if len(wrong):
        row, column = wrong[0]
        value = shares[row, column]
        moment = pd.Timestamp(int(readings.times[row]), unit="s", tz="UTC").strftime("%Y-%m-%d %H:%M UTC")
        raise MetricsRefused([f"its {list(columns)[column]} is {value:g} at {moment}, but a share is 0 to 1"])
    return shares


def _frame(series: list[_Series]) -> pd.DataFrame:
    lengths = [len(each.pcpu) for each in series]
    codes = np.repeat(np.arange(len(series)), lengths)
    pcpu = np.concatenate([each.pcpu for each in series]) if series else np.empty(0)
    starts = np.concatenate([each.starts for each in series]) if series else np.empty(0, dtype=np.int64)
    known = ~np.isnan(pcpu)
    uuids = pd.Series([each.uuid for each in series], dtype="str")
    owners = pd.Series([each.owner for each in series], dtype="str")
    return pd.DataFrame(
        {
            "uuid": uuids.astype("category").iloc[codes[known]].array,
            "owner": owners.astype("category").iloc[codes[known]].array,
            "time": pd.to_datetime(starts[known], unit="s", utc=True),
            "pcpu": pcpu[known],
        }
    )
