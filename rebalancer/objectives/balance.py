"""Balance: what load costs, plus what it costs to get rid of it."""

from __future__ import annotations

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.load_cost import LoadCost
from rebalancer.objectives.outlay import Outlay
from rebalancer.placement import Placement
from rebalancer.policy import Mode, Policy, Priority
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.tier import BALANCE


class Balance(Objective):
    """Load cost, with every GiB and every move priced in pCPU-hours: a move has to earn what it costs.

    A VM that is a last resort has a price of its own on top: what no other move relieves it of.
    """

    id = BALANCE
    sentence = "Load cost plus what moves cost, at the prices that the policy states."
    unit = "weighted pCPU-hours"
    needs_demand = True

    def value(self, placement: Placement, book: Rulebook) -> float:
        """PCPU-hours above the threshold, weighted, and of what is paid to reach *placement*."""
        return LoadCost().value(placement, book) + Outlay().value(placement, book)

    def unpaid(self) -> Objective:
        """Load cost alone."""
        return LoadCost()

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """The measures of both parts."""
        return (*LoadCost().post(model, problem), *Outlay().post(model, problem))


def gaining(policy: Policy) -> Objective:
    """The objective of which a plan has to gain something: balance, or where load comes first the load alone."""
    load_first = policy.objective.priority is Priority.LOAD and policy.mode is not Mode.CONSOLIDATE
    return LoadCost() if load_first else Balance()
