"""What units would cost more on other hosts: no more than by the slopes of the costs at first, exactly once asked for.

Load costs are convex, so a unit that comes costs no less than its demand by the slope of what its new host costs now.
That is one product of matrices for all units, where what they cost exactly takes every level of every slot.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rebalancer.solve.instance.instance import Floats, Instance, Ints

ROUNDING = 1e-9
"""Share of what a host costs by which sums of floats may be off."""


class ConvexCost(Protocol):
    """What load costs on a host, convex in the load of each slot."""

    def cost(self, load: Ints, hosts: int | Ints) -> Floats:
        """What *load* of shape (loads, slots) costs on one of *hosts* each, shape (loads,)."""

    def slopes(self, load: Ints) -> Floats:
        """What a part more costs on each host in each slot at *load* of shape (hosts, slots); the same shape."""


class Burdens:
    """What each unit costs more on each host than the host costs now.

    `least` is no more than that, shape (units, hosts), and that itself where it is `exact`.
    """

    def __init__(self, instance: Instance, levels: ConvexCost, peaks: Ints) -> None:
        """*peaks* (units, slots) add to the demand of each unit where the policy is robust."""
        self._instance, self._levels, self._peaks = instance, levels, peaks
        self._demand = instance.demand.astype(np.float64)
        self.least, self.exact = np.zeros(instance.legal.shape), np.zeros(instance.legal.shape, dtype=np.bool_)

    def renew(self, hosts: Ints, load: Ints) -> None:
        """Begin anew for *hosts*, whose *load* (hosts of the pool, slots) has changed."""
        slopes, costs = self._levels.slopes(load)[hosts], self._levels.cost(load[hosts], hosts)
        least = self._demand @ slopes.T
        self.least[:, hosts] = np.maximum(least - ROUNDING * (least + costs), 0.0)
        self.exact[:, hosts] = False

    def work_out(self, units: Ints, hosts: Ints, load: Ints, last_peaks: Ints) -> None:
        """What each of *units* costs on its one of *hosts* exactly.

        A unit adds what it peaks above the *last_peaks* (hosts of the pool, slots) that count on the host.
        """
        more = self._instance.demand[units]
        if self._instance.deviations.budget:
            more = more + np.maximum(self._peaks[units] - last_peaks[hosts], 0)
        before = self._levels.cost(load, np.arange(len(load)))[hosts]
        self.least[units, hosts] = self._levels.cost(load[hosts] + more, hosts) - before
        self.exact[units, hosts] = True
