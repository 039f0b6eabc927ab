"""Repair: how much is broken."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, Rule, counted_violations, rules_for


class Repair(Objective):
    """Breaches of pool rules, hard and soft: limits exceeded, in units of each, and hosts too many for a group.

    Args:
        rules: the rules that count; those of the problem where None.
    """

    id = "repair"
    sentence = "Breaches of pool rules at rest: how far limits are exceeded, and how far groups are spread."
    unit = "breaches"

    def __init__(self, rules: Sequence[Rule] | None = None) -> None:
        self.rules = rules

    def value(self, placement: Placement, problem: Problem) -> float:
        """Breaches in *placement*, whoever is to blame."""
        rules = rules_for(problem) if self.rules is None else self.rules
        pool_rules = [rule for rule in rules if isinstance(rule, PoolRule)]
        return float(sum(violation.excess for violation in counted_violations(pool_rules, problem, placement)))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """Excess of all limits that are broken tonight or soft; the others hold anyway."""
        del problem
        return (model.breaches(),)
