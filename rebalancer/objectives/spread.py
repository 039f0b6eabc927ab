"""Spread: pCPU-hours above what each host would have, were the pool's load spread evenly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.load import (
    counted_hosts,
    cpu_capacities,
    demand_of,
    host_load,
    overload_limits,
    slot_hours,
    usual_load,
)
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.tier import SPREAD


class Spread(Objective):
    """What would have to go elsewhere for every host to be as full as the pool, slot by slot.

    The pool's load is the same wherever its VMs are, so that the share to compare with is, too.
    """

    id = SPREAD
    sentence = "Load above the pool's mean share of a host's capacity, summed over hosts and slots."
    unit = "pCPU-hours"
    needs_demand = True
    needs_every_slot = True

    def value(self, placement: Placement, book: Rulebook) -> float:
        """PCPU-hours above the even share under *placement*."""
        problem = book.problem
        above = np.maximum(host_load(placement, problem) - even_share(problem), 0.0)
        return float(above.sum(axis=0) @ slot_hours(problem))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """Excess load of every host and slot."""
        return model.load_above(even_share(problem)[None], (Fraction(1),), demand_of(problem).hours)


def even_share(problem: Problem) -> NDArray[np.float64]:
    """PCPUs of every host in every slot, were it as full as all that count, shape (hosts, slots); peaks left out."""
    capacities, counted = cpu_capacities(problem), counted_hosts(problem)
    share = usual_load(problem.initial, problem)[counted].sum(axis=0) / max(float(capacities.sum()), 1e-9)
    return np.where(counted[:, None], capacities[:, None] * share[None, :], overload_limits(problem)[:, None])
