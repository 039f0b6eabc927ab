"""Regret: what a night cost more than it would have cost somebody who knew the day after."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.objectives import Balance
from rebalancer.placement import Placement
from rebalancer.rules import Rulebook
from rebalancer.solve import Budget, Deadline, lowest_balance

CONDITION = (
    "by the prices and levels of the row's policy, night by night from where the VMs were, among all placements that "
    "its hard rules and its cool-down allow; repairs, minimum gain and limits on moves and GiB aside"
)
"""What the bound is a bound of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regret:
    """In weighted pCPU-hours: between what is proven and what the bound leaves open.

    Args:
        cost: load of the day that came and the moves made for it, as the objective `balance` counts them.
        best: the lowest that was found with knowledge of that day.
        bound: what no placement is below.
    """

    cost: float
    best: float
    bound: float

    @property
    def least(self) -> float:
        """What a better plan was found for."""
        return max(0.0, self.cost - self.best)

    @property
    def most(self) -> float:
        """What no plan can have done better."""
        return max(0.0, self.cost - self.bound)


def regret_of(known: Rulebook, placement: Placement) -> Regret:
    """The regret of *placement*, chosen where *known* is the night's problem for somebody who knows the day after."""
    found = lowest_balance(known, budget=Budget(known.problem.policy.limits, until=Deadline()))
    cost = Balance().value(placement, known)
    return Regret(cost=cost, best=min(cost, found.after), bound=found.bound)
