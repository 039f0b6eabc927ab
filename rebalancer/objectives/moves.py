"""Moves: VMs that end on another host."""

from __future__ import annotations

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


class Moves(Objective):
    """Each is a risk and a change to review, however small the VM; a VM that is parked on its way moves once."""

    id = "moves"
    sentence = "VMs that end on another host."
    unit = "moves"

    def value(self, placement: Placement, book: Rulebook) -> float:
        """How many VMs leave their host on the way to *placement*."""
        return float(len(book.problem.initial.moves_to(placement)))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """The model's own count of moves."""
        del problem
        return (model.moved(),)
