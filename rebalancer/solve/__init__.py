"""Where VMs should be: the only users of ortools."""

from rebalancer.solve.reporter import SolveReporter
from rebalancer.solve.solution import Outcome, Solution, Tier
from rebalancer.solve.solve import solve

__all__ = ["Outcome", "Solution", "SolveReporter", "Tier", "solve"]
