"""Load cost: what load above the levels of the policy costs, more for each level."""

from __future__ import annotations

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.levels import levels_of, load_in_columns
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
        """PCPU-hours above the threshold under *placement*, weighted, and what the policy sets beside them."""
        load = load_in_columns(placement, book.problem)
        return sum(levels.cost(load) for levels in levels_of(book.problem))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """Excess load of every host and slot, level by level, of each resource."""
        found = (model.load_above(each.by_column, each.steps, each.hours, each.first) for each in levels_of(problem))
        return tuple(measure for measures in found for measure in measures)
