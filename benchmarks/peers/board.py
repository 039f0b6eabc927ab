"""An instance as arrays on which VMs move one at a time, as simple balancers see it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.migrations import Migration
from benchmarks.neutral import AREA_ABOVE, Json

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

GIB = 1024**3


class Board:
    """Where the VMs are, what hosts hold, and which single moves are legal; keeps the moves made.

    Args:
        instance: of one pool.
    """

    def __init__(self, instance: Json) -> None:
        hosts, vms = instance["hosts"], instance["vms"]
        self.hosts, self.vms = [host["id"] for host in hosts], [vm["id"] for vm in vms]
        host_number, number = _numbers(self.hosts), _numbers(self.vms)
        self.at = np.array([host_number[vm["host"]] for vm in vms])
        self.gib = np.array([vm["memory_bytes"] for vm in vms]) / GIB
        self.load = np.array([vm["cpu_profile"] for vm in vms])
        self.cpus = np.array([host["cpus"] for host in hosts], dtype=np.float64)
        self.used = np.array([host["base_cpu_profile"] for host in hosts])
        self.free = np.array([host["memory_bytes"] - host["memory_reserved_bytes"] for host in hosts]) / GIB
        np.add.at(self.used, self.at, self.load)
        np.subtract.at(self.free, self.at, self.gib)
        rules = instance["constraints"]
        self.apart = [[number[vm] for vm in group["vms"]] for group in rules["anti_affinity"]]
        bound = {vm for group in rules["affinity"] for vm in group["vms"]} | {pin["vm"] for pin in rules["pinned"]}
        self.movable = np.array([vm not in bound for vm in self.vms])
        self.moves: list[Migration] = []

    def area(self, used: Floats, hosts: NDArray[np.int64] | slice = slice(None)) -> Floats:
        """Load above 0.8 of *used* (... x slot, pCPU) on *hosts*, by host."""
        return np.asarray(np.maximum(used / self.cpus[hosts, None] - AREA_ABOVE, 0.0).sum(axis=-1))

    def open_hosts(self, vm: int) -> Mask:
        """Hosts to which *vm* may move now; VMs with a rule that ties them to others or to hosts stay."""
        open_to = (self.free >= self.gib[vm]) & self.movable[vm]
        open_to[self.at[vm]] = False
        for group in self.apart:
            if vm in group:
                open_to[[self.at[other] for other in group if other != vm]] = False
        return np.asarray(open_to)

    def move(self, vm: int, host: int) -> None:
        """Carry out a move."""
        source = int(self.at[vm])
        self.moves.append(Migration(vm=self.vms[vm], source=self.hosts[source], target=self.hosts[host]))
        for place, sign in ((source, -1), (host, 1)):
            self.used[place] += sign * self.load[vm]
            self.free[place] -= sign * self.gib[vm]
        self.at[vm] = host

    def repair(self) -> None:
        """Part VMs that are to be apart: the one that moves with least overload, then least memory."""
        for group in self.apart:
            for host in {int(self.at[vm]) for vm in group}:
                while (crowd := [vm for vm in group if self.at[vm] == host])[1:] and self._part(crowd):
                    pass

    def _part(self, crowd: list[int]) -> bool:
        """Move one of VMs on one host elsewhere; whether one could."""
        ways = [
            (float(self.added(vm)[host]), float(self.gib[vm]), vm, int(host))
            for vm in crowd
            for host in np.flatnonzero(self.open_hosts(vm))
        ]
        if not ways:
            return False
        self.move(*min(ways)[2:])
        return True

    def added(self, vm: int) -> Floats:
        """Area that *vm* would add to each host."""
        return np.asarray(self.area(self.used + self.load[vm]) - self.area(self.used))

    def relieved(self, vm: int) -> float:
        """Area that its host would be rid of without *vm*."""
        here = np.array([self.at[vm]])
        return float((self.area(self.used[here], here) - self.area(self.used[here] - self.load[vm], here))[0])


def _numbers(names: list[str]) -> dict[str, int]:
    """The position of each name."""
    return {name: index for index, name in enumerate(names)}
