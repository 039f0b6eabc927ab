"""Where VMs should be: the only users of ortools."""

from rebalancer.solve.reporter import SolveReporter
from rebalancer.solve.solution import Outcome, Solution, Tier
from rebalancer.solve.solve import solve
from rebalancer.solve.tradeoff import Cost, Point, Tradeoff, tradeoff
from rebalancer.solve.ways_out import ways_out

__all__ = ["Cost", "Outcome", "Point", "Solution", "SolveReporter", "Tier", "Tradeoff", "solve", "tradeoff", "ways_out"]
