"""Balance: what load costs, plus what it costs to get rid of it."""

from __future__ import annotations

from fractions import Fraction

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.last_resort import LastResort
from rebalancer.objectives.load_cost import LoadCost
from rebalancer.objectives.migration_cost import MigrationCost
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


class Balance(Objective):
    """Load cost, with every GiB copied priced in pCPU-hours: a move has to earn what it costs.

    A VM that is a last resort has a price of its own on top: what no other move relieves it of.
    """

    id = "balance"
    sentence = "Load cost plus the migration cost and last resorts, at the prices that the policy states."
    unit = "weighted pCPU-hours"
    needs_demand = True

    def value(self, placement: Placement, book: Rulebook) -> float:
        """PCPU-hours above the threshold, weighted, and of the GiB copied to reach *placement*."""
        prices = book.problem.policy.objective
        reluctance = LastResort().value(placement, book) * prices.pcpu_hours_per_last_resort
        cost = MigrationCost().value(placement, book) * prices.pcpu_hours_per_gib
        return LoadCost().value(placement, book) + cost + reluctance

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """The measures of all parts."""
        prices = problem.policy.objective
        gib, last = _price(prices.pcpu_hours_per_gib), _price(prices.pcpu_hours_per_last_resort)
        return (
            *LoadCost().post(model, problem),
            *(each.times(gib) for each in MigrationCost().post(model, problem)),
            *(each.times(last) for each in LastResort().post(model, problem)),
        )


def _price(pcpu_hours: float) -> Fraction:
    """The decimal number that the policy file says."""
    return Fraction(str(pcpu_hours))
