"""Overload: pCPU-hours above the threshold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.load import demand_of, host_load, overload_limits, slot_hours
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


class Overload(Objective):
    """PCPU-hours above the threshold: unlike the peak, it is not hidden by one pinned hot VM."""

    id = "overload"
    sentence = "Load above the threshold share of a host's capacity, summed over hosts and slots."
    unit = "pCPU-hours"
    needs_demand = True

    def value(self, placement: Placement, book: Rulebook) -> float:
        """PCPU-hours above the threshold under *placement*."""
        problem = book.problem
        above = np.maximum(host_load(placement, problem) - _limits(problem), 0.0)
        return float(above.sum(axis=0) @ slot_hours(problem))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """Excess load of every host and slot."""
        return model.load_above(_limits(problem)[None], (Fraction(1),), demand_of(problem).hours)


def _limits(problem: Problem) -> NDArray[np.float64]:
    """PCPUs that count as no overload, shape (hosts, slots)."""
    limits = overload_limits(problem)
    return np.broadcast_to(limits[:, None], (len(limits), demand_of(problem).slots))
