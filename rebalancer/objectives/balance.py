"""Balance: overload plus what it costs to get rid of it."""

from __future__ import annotations

from fractions import Fraction

from rebalancer.objectives.base import Measure, Model, Objective
from rebalancer.objectives.migration_cost import MigrationCost
from rebalancer.objectives.overload import Overload
from rebalancer.placement import Placement
from rebalancer.problem import Problem


class Balance(Objective):
    """Overload, with every GiB copied priced in pCPU-hours: a move has to earn what it costs."""

    id = "balance"
    sentence = "Overload plus the migration cost, at the price that the policy states."
    unit = "pCPU-hours"

    def value(self, placement: Placement, problem: Problem) -> float:
        """PCPU-hours of overload, and of the GiB copied to reach *placement*."""
        cost = MigrationCost().value(placement, problem) * problem.policy.objective.pcpu_hours_per_gib
        return Overload().value(placement, problem) + cost

    def post(self, model: Model, problem: Problem) -> tuple[Measure, ...]:
        """The measures of both parts."""
        price = price_per_gib(problem)
        return (*Overload().post(model, problem), *(each.times(price) for each in MigrationCost().post(model, problem)))


def price_per_gib(problem: Problem) -> Fraction:
    """PCPU-hours for a GiB, as the decimal number that the policy file says."""
    return Fraction(str(problem.policy.objective.pcpu_hours_per_gib))
