"""Outlay: what moving VMs costs, by the prices of the policy."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.last_resort import LastResort
from rebalancer.objectives.migration_cost import MigrationCost
from rebalancer.objectives.moves import Moves
from rebalancer.placement import Placement
from rebalancer.policy import Mode, Policy
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


class Outlay(Objective):
    """GiB copied, VMs moved and last resorts, each at its price in pCPU-hours."""

    id = "outlay"
    sentence = "GiB copied, moves and last resorts, at the prices that the policy states."
    unit = "weighted pCPU-hours"

    def value(self, placement: Placement, book: Rulebook) -> float:
        """PCPU-hours that the moves to *placement* cost."""
        return sum(part.value(placement, book) * price for part, price in _priced(book.problem))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """The measures of all parts that have a price."""
        return tuple(
            each.times(Fraction(str(price)))
            for part, price in _priced(problem)
            if price
            for each in part.post(model, problem)
        )


def price_per_gib(policy: Policy) -> float:
    """PCPU-hours that a GiB copied costs; whoever has to empty hosts may find load dearer, or cheaper, than usual."""
    prices, emptying = policy.objective, policy.mode is Mode.EVACUATE
    own = prices.evacuation_pcpu_hours_per_gib
    return prices.pcpu_hours_per_gib if own is None or not emptying else own


def _priced(problem: Problem) -> Iterator[tuple[Objective, float]]:
    """What is paid for, and the decimal number of pCPU-hours that the policy file says."""
    prices = problem.policy.objective
    yield MigrationCost(), price_per_gib(problem.policy)
    yield LastResort(), prices.pcpu_hours_per_last_resort
    yield Moves(), prices.pcpu_hours_per_move
