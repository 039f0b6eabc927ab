"""Load cost: what load above the levels of the policy costs, more for each level."""

from __future__ import annotations

import numpy as np

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.levels import levels_of
from rebalancer.objectives.load import demand_of, host_load, slot_hours
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


class LoadCost(Objective):
    """Convex, so that a hot host is relieved also where no host is below the threshold: the hottest first."""

    id = "load-cost"
    sentence = "Load above the threshold, each pCPU-hour at the cost of the highest level that it is above."
    unit = "weighted pCPU-hours"
    needs_demand = True

    def value(self, placement: Placement, book: Rulebook) -> float:
        """PCPU-hours above the threshold under *placement*, weighted."""
        problem = book.problem
        return levels_of(problem).cost(host_load(placement, problem), slot_hours(problem))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """Excess load of every host and slot, level by level."""
        levels, profile = levels_of(problem), demand_of(problem)
        limits = np.broadcast_to(levels.limits[:, :, None], (*levels.limits.shape, profile.slots))
        return model.load_above(limits, levels.steps, profile.hours)
