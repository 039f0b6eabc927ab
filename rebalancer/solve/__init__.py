"""Where VMs should be: the only users of ortools."""

from rebalancer.solve.infeasible.relaxations import cheapest_fixes
from rebalancer.solve.lowest import lowest_balance
from rebalancer.solve.model.effort import WORK_PER_SECOND, Budget, Deadline
from rebalancer.solve.result.solution import Outcome, Solution, SolveReporter
from rebalancer.solve.solve import solve
from rebalancer.solve.tradeoff import Cost, Point, Tradeoff, tradeoff

__all__ = [
    "WORK_PER_SECOND",
    "Budget",
    "Cost",
    "Deadline",
    "Outcome",
    "Point",
    "Solution",
    "SolveReporter",
    "Tradeoff",
    "cheapest_fixes",
    "lowest_balance",
    "solve",
    "tradeoff",
]
