"""How busy VMs and hosts are at any time, and which VM was on which host then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rebalancer.simulator.state.pool import Records, Series, SimulatedPool
from rebalancer.simulator.state.schema import NULL

Array = NDArray[np.float64]
QUIET = 0.02
BASE = 0.5


class Workload:
    """The repeating load of a pool, and where its VMs were; a VM without a series uses QUIET pCPU, a host BASE pCPU."""

    def __init__(self, pool: SimulatedPool) -> None:
        self.step = pool.load_step_seconds
        self._vms = _arrays(pool.load)
        self._hosts = _arrays(pool.host_load)
        self._stays: dict[str, tuple[list[float], list[str]]] = {}
        self._lock = Lock()
        for record in pool.records.get("VM", {}).values():
            self._stays[record["uuid"]] = ([float("-inf")], [record["resident_on"]])

    def vm(self, uuid: str, ends: NDArray[np.int64], width: int) -> Array:
        """pCPU used by a VM, mean over the `width` seconds before each of `ends` (seconds since the epoch)."""
        return _means(self._vms.get(uuid, np.array([QUIET])), self.step, ends, width)

    def base(self, uuid: str, ends: NDArray[np.int64], width: int) -> Array:
        """pCPU that a host's dom0 and Xen use, as `vm` does."""
        return _means(self._hosts.get(uuid, np.array([BASE])), self.step, ends, width)

    def as_pool(self, records: Records) -> SimulatedPool:
        """A pool of these *records* with this load."""
        return SimulatedPool(
            records=records,
            load=_series(self._vms),
            host_load=_series(self._hosts),
            load_step_seconds=self.step,
        )

    def settled(self, vm_uuid: str, host: str, when: float) -> None:
        """Note that a VM is on a host (a ref, or the null ref) from `when` on."""
        with self._lock:
            times, hosts = self._stays.setdefault(vm_uuid, ([float("-inf")], [host]))
            times.append(when)
            hosts.append(host)

    def adopt(self, vm_uuid: str, other: Workload) -> None:
        """Take over how busy a VM is that comes from another pool; it was nowhere here until then."""
        with self._lock:
            self._stays[vm_uuid] = ([float("-inf")], [NULL])
            if vm_uuid in other._vms:
                self._vms[vm_uuid] = other._vms[vm_uuid].repeat(max(1, other.step // self.step))

    @property
    def stays(self) -> dict[str, list[tuple[float | None, str]]]:
        """{VM uuid: since when it was where, oldest first}: refs of hosts, None for ever."""
        with self._lock:
            return {
                uuid: [(None if when == float("-inf") else when, host) for when, host in zip(*known, strict=True)]
                for uuid, known in self._stays.items()
            }

    def put_stays(self, stays: Mapping[str, Sequence[tuple[float | None, str]]]) -> None:
        """Take *stays* for where the VMs were."""
        with self._lock:
            for uuid, known in stays.items():
                times = [float("-inf") if when is None else when for when, _ in known]
                self._stays[uuid] = (times, [host for _, host in known])

    def arrived(self, vm_uuid: str) -> float:
        """Since when a VM is where it is; minus infinity for ever."""
        return self._stays[vm_uuid][0][-1] if vm_uuid in self._stays else float("-inf")

    def presence(self, vm_uuid: str, host: str, ends: NDArray[np.int64]) -> Array:
        """Return 1.0 where the VM was on the host at each of `ends`, else 0.0."""
        times, hosts = self._stays.get(vm_uuid, ([float("-inf")], [""]))
        here = np.array([name == host for name in hosts], dtype=float)
        if len(times) == 1:
            return np.full(len(ends), here[0])
        return np.asarray(here[np.array([bisect_right(times, float(end)) - 1 for end in ends])])

    def visited(self, vm_uuid: str) -> frozenset[str]:
        """Refs of all hosts that a VM was ever on, and the null ref where it was on none."""
        return frozenset(self._stays.get(vm_uuid, ([], []))[1])

    def visitors(self, host: str) -> list[str]:
        """Uuids of all VMs that were ever on a host."""
        with self._lock:
            return [uuid for uuid, (_, hosts) in self._stays.items() if host in hosts]


def _arrays(series: Mapping[str, Series]) -> dict[str, Array]:
    return {uuid: np.array([np.nan if v is None else v for v in row], dtype=float) for uuid, row in series.items()}


def _series(arrays: Mapping[str, Array]) -> dict[str, Series]:
    return {uuid: [None if np.isnan(v) else v for v in row.tolist()] for uuid, row in arrays.items()}


def _means(values: Array, step: int, ends: NDArray[np.int64], width: int) -> Array:
    last = (ends - 1) // step
    if width <= step:
        first = (ends - width) // step
        share = np.where(first == last, 0.0, (last * step - (ends - width)) / width)
        return np.asarray(values[last % len(values)] * (1.0 - share) + values[first % len(values)] * share)
    back = np.arange(width // step)
    return np.asarray(values[(last[:, None] - back[None, :]) % len(values)].mean(axis=1))
