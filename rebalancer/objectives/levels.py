"""What load costs: nothing up to the threshold, and more from each level to the next; each resource in its own unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rebalancer.objectives.load import demand_of, host_load, pcpus_at_shares
from rebalancer.placement import Placement
from rebalancer.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The cost of the load of a resource, which is convex: a unit costs the sum of the steps of all levels below it.

    Args:
        limits: units from which each step counts, lowest first, shape (levels, hosts, columns), or (levels, hosts, 1)
            where they are the same in all columns.
        steps: how many weighted pCPU-hours more a unit costs in an hour from each level on, positive.
        hours: how many hours each column counts.
        first: the place of its first column among those of all resources; those of CPU come first, one a slot.
    """

    limits: NDArray[np.float64]
    steps: tuple[Fraction, ...]
    hours: tuple[Fraction, ...]
    first: int = 0

    @property
    def columns(self) -> slice:
        """Its columns among those of all resources."""
        return slice(self.first, self.first + len(self.hours))

    @property
    def by_column(self) -> NDArray[np.float64]:
        """The limits in every column, shape (levels, hosts, columns)."""
        return np.broadcast_to(self.limits, (*self.limits.shape[:2], len(self.hours)))

    def cost(self, load: NDArray[np.float64]) -> float:
        """What *load* costs, of shape (hosts, columns of all resources)."""
        mine, hours = load[:, self.columns], np.array([float(each) for each in self.hours])
        above = (np.maximum(mine - limits, 0.0).sum(axis=0) @ hours for limits in self.limits)
        return float(sum(float(step) * each for step, each in zip(self.steps, above, strict=True)))


def levels_of(problem: Problem) -> tuple[Levels, ...]:
    """The threshold and the levels above it, of CPU, and then of each resource that the policy gives a weight."""
    policy, profile = problem.policy.objective, demand_of(problem)
    shares, steps = _steps(policy.threshold, policy.levels, Fraction(1))
    limits = pcpus_at_shares(shares, problem)
    found = [Levels(limits=limits[:, :, None], steps=steps, hours=profile.hours)]
    for each in problem.resources.all:
        shares, steps = _steps(each.policy.threshold, each.policy.levels, each.weight)
        limits, first = np.array([each.at(share) for share in shares]), found[-1].columns.stop
        found.append(Levels(limits=limits, steps=steps, hours=each.hours, first=first))
    return tuple(found)


def load_in_columns(placement: Placement, problem: Problem) -> NDArray[np.float64]:
    """The load of every host, CPU in pCPUs by slot, then every other resource, shape (hosts of the pool, columns).

    Raises:
        MetricsRefused: as `host_load`.
    """
    load = host_load(placement, problem)
    if not problem.resources.all:
        return load
    row = {vm: number for number, vm in enumerate(demand_of(problem).vms)}
    number = {host: number for number, host in enumerate(problem.pool.hosts)}
    rows, hosts = [row[vm] for vm in placement], [number[host] for host in placement.host_of.values()]
    return np.hstack([load, *(each.on_hosts(rows, hosts) for each in problem.resources.all)])


def _steps(
    threshold: float, levels: Sequence[tuple[float, float]], weight: Fraction
) -> tuple[list[float], tuple[Fraction, ...]]:
    """The shares of capacity from which load costs more, and how much more, *weight* from the threshold on."""
    shares, costs = [threshold], [Fraction(1)]
    for share, cost in levels:
        if share > threshold:
            shares.append(share)
            costs.append(Fraction(str(cost)))
    return shares, tuple((b - a) * weight for a, b in zip([Fraction(0), *costs], costs, strict=False))
