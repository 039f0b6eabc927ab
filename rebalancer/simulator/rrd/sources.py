"""What is measured: the data sources of hosts and VMs, computed from the load."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rebalancer.simulator.rrd import devices
from rebalancer.simulator.rrd.archives import Archive
from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World

Array = NDArray[np.float64]
KIB = 1024
# Seconds without values after a VM came to a host; only the finest archives are fine enough to show it.
HAND_OVER = 10
SKEW = 0.1
# Shares of what a VM has: memory that its guest does not use, and time that its busy vCPUs wait, at most.
INTERNAL_FREE = 0.3
CONTENTION = 0.2
JITTER = 0.08


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


def owner_of(world: World, host: str, vm: Record | None, archive: Archive, ends: NDArray[np.int64]) -> Owner:
    """Measure a VM on a host or, without one, the host itself: everything that there is, recorded or not."""
    return host_owner(world, host, archive, ends) if vm is None else vm_owner(world, vm, archive, ends)


def host_owner(world: World, host: str, archive: Archive, ends: NDArray[np.int64]) -> Owner:
    """Measure a host: its base load and that of all VMs that were on it at the time."""
    record = world.database.get("host", host)
    uuid, cpus = record["uuid"], max(1, len(record["host_CPUs"]))
    used = world.load.base(uuid, ends, archive.step)
    guests = {vm["uuid"]: vm for _, vm in world.database.items("VM") if not vm["is_control_domain"]}
    for visitor in world.load.visitors(host):
        if visitor in guests and (share := world.load.presence(visitor, host, ends)).any():
            used = used + np.nan_to_num(_used(world, guests[visitor], archive, ends)) * share
    average = np.minimum(used / cpus, 1.0)
    columns = {f"cpu{n}": column for n, column in enumerate(_spread(average, cpus, uuid))}
    columns |= {"cpu_avg": average, "loadavg": used * 0.2, "hostload": used * 1.15 / cpus}
    columns |= devices.of_host(world, host, used)
    return Owner(kind="host", uuid=uuid, columns=columns | _memory_of_host(world, host, ends))


def vm_owner(world: World, vm: Record, archive: Archive, ends: NDArray[np.int64]) -> Owner:
    """Measure a VM: its history came with it when it moved."""
    metrics = _metrics(world, "VM_metrics", vm)
    vcpus = max(1, int(_number(metrics, "VCPUs_number", vm["VCPUs_max"])))
    arrived = world.load.arrived(vm["uuid"])
    is_unknown = (archive.step <= HAND_OVER) & (ends > arrived) & (ends <= arrived + HAND_OVER)
    known = np.where(is_unknown, np.nan, 1.0)
    usage = np.minimum(_used(world, vm, archive, ends) / vcpus, 1.0) * known
    columns = {f"cpu{n}": column for n, column in enumerate(_spread(usage, vcpus, vm["uuid"]))}
    memory = known * _number(metrics, "memory_actual", vm["memory_target"])
    columns |= {"cpu_usage": usage, "memory": memory, "memory_target": known * float(vm["memory_target"])}
    columns["memory_internal_free"] = memory * INTERNAL_FREE / KIB
    columns |= _states(usage)
    if not vm["is_control_domain"]:
        columns |= devices.of_disk("xvda", usage * vcpus) | devices.of_interface("0", usage * vcpus)
    return Owner(kind="vm", uuid=vm["uuid"], columns=columns)


def _states(usage: Array) -> dict[str, Array]:
    """How the vCPUs of a VM spend their time, together 1: the busier, the more of it waiting for a CPU."""
    waiting = usage * usage * CONTENTION
    shares = {"fullrun": 0.4, "partial_run": 0.5, "concurrency_hazard": 0.1}
    states = {f"runstate_{name}": (usage - waiting) * share for name, share in shares.items()}
    states |= {"runstate_full_contention": waiting * 0.3, "runstate_partial_contention": waiting * 0.7}
    return states | {"runstate_blocked": 1.0 - usage, "runnable_any": waiting}


def consolidated(column: Array, function: str) -> Array:
    """What a coarse archive keeps besides the mean; shares stay below 1."""
    factor = {"AVERAGE": 1.0, "MIN": 0.6, "MAX": 1.4}[function]
    return column * factor if np.nanmax(column, initial=0.0) > 1.0 else np.minimum(column * factor, 1.0)


def _used(world: World, vm: Record, archive: Archive, ends: NDArray[np.int64]) -> Array:
    """pCPU of a VM, or of a host's dom0 and Xen; archives finer than the load waver around it."""
    if vm["is_control_domain"]:
        return world.load.base(world.uuid("host", vm["resident_on"]), ends, archive.step)
    used = world.load.vm(vm["uuid"], ends, archive.step)
    if archive.step >= world.load.step:
        return used
    beat = (ends // archive.step * 2654435761 + zlib.crc32(vm["uuid"].encode())) % 1000
    return used * (1.0 + JITTER * (beat / 500.0 - 1.0))


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
