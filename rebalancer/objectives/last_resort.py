"""Last resort: VMs that move only where nothing else helps."""

from __future__ import annotations

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


class LastResort(Objective):
    """They may move, unlike those that never do; but rather others do."""

    id = "last-resort"
    sentence = "VMs that move although the policy wants them moved as a last resort only."
    unit = "VMs"

    def value(self, placement: Placement, book: Rulebook) -> float:
        """How many of them leave their host on the way to *placement*."""
        problem = book.problem
        return float(sum(move.vm in problem.intent.last_resort for move in problem.initial.moves_to(placement)))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """How many of them leave their host; nothing where no VM is a last resort."""
        return (model.leaving(frozenset(problem.intent.last_resort)),) if problem.intent.last_resort else ()
