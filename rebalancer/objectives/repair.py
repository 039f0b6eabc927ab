"""Repair: how much is broken."""

from __future__ import annotations

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


class Repair(Objective):
    """Breaches of pool rules, hard and soft: limits exceeded, in units of each, and hosts too many for a group."""

    id = "repair"
    sentence = "Breaches of pool rules at rest: how far limits are exceeded, and how far groups are spread."
    unit = "breaches"

    def value(self, placement: Placement, book: Rulebook) -> float:
        """Breaches in *placement*, whoever is to blame."""
        return float(sum(violation.excess for violation in book.breaches(placement)))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """Excess of all limits that are broken tonight or soft; the others hold anyway."""
        del problem
        return (model.breaches(),)
