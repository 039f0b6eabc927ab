"""What is measured: the data sources of hosts and VMs, computed from the load."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rebalancer.simulator.rrd import devices
from rebalancer.simulator.rrd.contention import Rows, run_states
from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World

Array = NDArray[np.float64]
KIB = 1024
# Seconds without values after a VM came to a host; only the finest archives are fine enough to show it.
HAND_OVER = 10
SKEW = 0.1
# Share of its memory that the guest of a VM does not use.
INTERNAL_FREE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A host or a vm with its measurements: {data source: one value for each row asked for}."""

    kind: str
    uuid: str
    columns: dict[str, Array]


def vms_on(world: World, host: str) -> list[Record]:
    """The records of the VMs that a host measures: all with a domain on it, dom0 too."""
    vms = (vm for _, vm in world.database.items("VM") if vm["power_state"] in {"Running", "Paused"})
    return [vm for vm in vms if vm["resident_on"] == host]


def owner_of(rows: Rows, host: str, vm: Record | None) -> Owner:
    """Measure a VM on a host or, without one, the host itself: everything that there is, recorded or not."""
    return host_owner(rows, host) if vm is None else vm_owner(rows, vm)


def host_owner(rows: Rows, host: str) -> Owner:
    """Measure a host: its base load and that of all VMs that were on it at the time."""
    record = rows.world.database.get("host", host)
    uuid, cpus = record["uuid"], max(1, len(record["host_CPUs"]))
    wanted = rows.wanted_on(host)
    average = np.minimum(wanted / cpus, 1.0)
    columns = {f"cpu{n}": column for n, column in enumerate(_spread(average, cpus, uuid))}
    columns |= {"cpu_avg": average, "loadavg": wanted * 0.2, "hostload": wanted * 1.15 / cpus}
    columns |= devices.of_host(rows.world, host, average * cpus)
    return Owner(kind="host", uuid=uuid, columns=columns | _memory_of_host(rows.world, host, rows.ends))


def vm_owner(rows: Rows, vm: Record) -> Owner:
    """Measure a VM: its history came with it when it moved."""
    metrics = _metrics(rows.world, "VM_metrics", vm)
    vcpus = max(1, int(_number(metrics, "VCPUs_number", vm["VCPUs_max"])))
    arrived = rows.world.load.arrived(vm["uuid"])
    is_unknown = (rows.archive.step <= HAND_OVER) & (rows.ends > arrived) & (rows.ends <= arrived + HAND_OVER)
    known = np.where(is_unknown, np.nan, 1.0)
    wanted = np.minimum(rows.wanted(vm) / vcpus, 1.0) * known
    usage = wanted * rows.granted(vm)
    columns = {f"cpu{n}": column for n, column in enumerate(_spread(usage, vcpus, vm["uuid"]))}
    memory = known * _number(metrics, "memory_actual", vm["memory_target"])
    columns |= {"cpu_usage": usage, "memory": memory, "memory_target": known * float(vm["memory_target"])}
    columns["memory_internal_free"] = memory * INTERNAL_FREE / KIB
    columns |= run_states(usage, wanted - usage, vcpus)
    if not vm["is_control_domain"]:
        columns |= devices.of_disk("xvda", usage * vcpus) | devices.of_interface("0", usage * vcpus)
    return Owner(kind="vm", uuid=vm["uuid"], columns=columns)


def consolidated(column: Array, function: str) -> Array:
    """What a coarse archive keeps besides the mean; shares stay below 1."""
    factor = {"AVERAGE": 1.0, "MIN": 0.6, "MAX": 1.4}[function]
    return column * factor if np.nanmax(column, initial=0.0) > 1.0 else np.minimum(column * factor, 1.0)


def _spread(mean: Array, count: int, uuid: str) -> list[Array]:
    """Split a mean over CPUs unevenly: every value within 0..1, their mean exactly the given one."""
    lean = np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(1)
    lean = np.roll(lean, zlib.crc32(uuid.encode()) % count)
    amplitude = np.minimum(SKEW * mean, 1.0 - mean)
    return [mean + amplitude * one for one in lean]


def _memory_of_host(world: World, host: str, ends: NDArray[np.int64]) -> dict[str, Array]:
    record = world.database.get("host", host)
    metrics = _metrics(world, "host_metrics", record)
    total = _number(metrics, "memory_total", "0")
    residents = [vm for _, vm in world.database.items("VM") if vm["resident_on"] == host != NULL]
    used = sum(int(vm["memory_dynamic_max"]) + int(vm["memory_overhead"]) for vm in residents)
    free = max(0.0, total - float(record["memory_overhead"]) - used)
    constant = {"memory_total_kib": total / KIB, "memory_free_kib": free / KIB, "running_domains": len(residents) * 1.0}
    return {name: np.full(len(ends), value) for name, value in constant.items()}


def _number(metrics: Record, name: str, otherwise: str) -> float:
    return float(metrics.get(name) or otherwise)


def _metrics(world: World, cls: str, record: Record) -> Record:
    return world.database.find(cls, record["metrics"]) or {}
