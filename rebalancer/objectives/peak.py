"""Peak: the highest load of any host."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rebalancer.inventory import Uuid
from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.load import cpu_capacities, host_load
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.tier import PEAK


class Peak(Objective):
    """The highest load of a host in any slot, as a share of its capacity.

    Args:
        hosts: the hosts that count, such as those whose load can be changed; all with a known capacity where None, or
            where none of them has one.
    """

    id = PEAK
    sentence = "The highest load of any host in any slot, as a share of its capacity."
    unit = "share of capacity"
    needs_demand = True
    needs_every_slot = True

    def __init__(self, hosts: frozenset[Uuid] | None = None) -> None:
        self.hosts = hosts

    def value(self, placement: Placement, book: Rulebook) -> float:
        """The highest share under *placement*; 0 where no host counts."""
        problem = book.problem
        capacities = self._capacities(problem)
        counted = capacities > 0
        return float((host_load(placement, problem)[counted] / capacities[counted, None]).max(initial=0.0))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """One number that no host's share exceeds."""
        return (model.highest_share(self._capacities(problem)),)

    def _capacities(self, problem: Problem) -> NDArray[np.float64]:
        """PCPUs of the hosts that count, 0 for the others."""
        known = cpu_capacities(problem)
        counts = np.where([self.hosts is None or host in self.hosts for host in problem.pool.hosts], known, 0.0)
        return counts if counts.any() else known
