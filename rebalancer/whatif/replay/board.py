"""A pool as arrays on which VMs move one at a time, as simple balancers see it; every move keeps rules and wishes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rebalancer.objectives import overload_limits
from rebalancer.placement import Placement
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.evaluate import bound_elsewhere, holds, uppers_of, weights_of
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import placement_of
from rebalancer.units import GIB

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Board:
    """Where units are, what hosts hold, and which single moves are legal now.

    VMs that are kept together are one unit. Those on which a limit over several hosts bears stay: single moves cannot
    be judged by it.
    """

    def __init__(self, book: Rulebook) -> None:
        self._instance = instance = instance_of(book)
        self.at = instance.home.copy()
        cpu = slice(0, instance.slots)
        self.load, self.used = instance.unit_pcpu[:, cpu], instance.base_pcpu[:, cpu].copy()
        np.add.at(self.used, self.at, self.load)
        self.gib = np.maximum(instance.copied.least, 1) / GIB
        self.limits = overload_limits(book.problem)[instance.columns]
        self.cpus = np.array([book.problem.cpu_capacity(host) for host in book.problem.pool.hosts.values()])[
            instance.columns
        ]
        self._held = weights_of(instance, self.at)
        self._upper = uppers_of(instance, (*instance.limits, *instance.soft_limits))
        self._resident = np.array([family.resident for family in instance.families]).reshape(len(instance.families), -1)
        self._arrival = np.array([family.arrival for family in instance.families]).reshape(len(instance.families), -1)
        self._free = ~bound_elsewhere(instance)

    @property
    def units(self) -> int:
        """How many units may move at all."""
        return len(self.at)

    def overload(self, used: Floats, hosts: NDArray[np.int64] | slice = slice(None)) -> Floats:
        """pCPU-hours of *used* (... x slot) above the threshold on *hosts*, by host."""
        return np.asarray(np.maximum(used - self.limits[hosts, None], 0.0).sum(axis=-1))

    def open_hosts(self, unit: int) -> Mask:
        """Hosts that *unit* may move to now, shape (hosts,)."""
        possible: Mask = self._instance.legal[unit] & self._free[unit]
        possible[self.at[unit]] = False
        for held, upper, arrival in zip(self._held, self._upper, self._arrival, strict=True):
            if arrival[unit]:
                possible &= held + arrival[unit] <= upper
        return possible

    def move(self, unit: int, host: int) -> None:
        """Carry a move out."""
        home = int(self._instance.home[unit])
        for place, sign in ((int(self.at[unit]), -1), (host, 1)):
            weights = self._resident if place == home else self._arrival
            self._held[:, place] += sign * weights[:, unit]
            self.used[place] += sign * self.load[unit]
        self.at[unit] = host

    def placement(self) -> Placement:
        """Where the VMs are, or were at first where all moves together would break something."""
        allowed = holds(self._instance, self.at)
        return placement_of(self._instance, self.at if allowed else self._instance.home)
