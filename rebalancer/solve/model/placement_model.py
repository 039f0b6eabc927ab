"""The CP-SAT model of where units go, in the words of the domain.

Rows go to the buffer as lists of variables and coefficients, found by numpy for all units at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from rebalancer.inventory import Uuid
from rebalancer.objectives import Measure, Objective
from rebalancer.solve.instance.instance import Instance, Ints
from rebalancer.solve.instance.move_cost import MoveCost
from rebalancer.solve.model import disk_rows, limit_rows, load_rows, occupancy, restart_rows, violation_rows
from rebalancer.solve.model.objective_terms import Goal, goal_of
from rebalancer.solve.model.variables import NO_VARIABLE, Assignment, Scope


class PlacementModel(Assignment):
    """Where every unit goes under all limits; implements `rebalancer.objectives.SolverModel`."""

    def __init__(self, instance: Instance, scope: Scope) -> None:
        super().__init__(instance, scope)
        limit_rows.post_limits(self)
        limit_rows.post_groups(self)
        disk_rows.post_disks(self)
        restart_rows.post_restarts(self)

    def limit_moves(self, price: MoveCost, upper: int) -> None:
        """What the units that leave their home cost, summed, is at most *upper*."""
        variables, coefficients, offset = self._paid(price)
        self.at_most(variables, coefficients, upper - offset)

    def forbid(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Not all of *pairs* of unit and host at once."""
        open_pairs = [(unit, host) for unit, host in pairs if not self.constant[unit]]
        settled = [self.scope.at[unit] == host for unit, host in pairs if self.constant[unit]]
        variables = [int(self.variable[pair]) for pair in open_pairs]
        if all(settled) and NO_VARIABLE not in variables:
            self.at_most(variables, [1] * len(variables), len(variables) - 1)

    breaches = violation_rows.breaches
    occupied = occupancy.occupied
    failures_lost = restart_rows.failures_lost
    load_above = load_rows.load_above
    highest_share = load_rows.highest_share

    def copied(self) -> Measure:
        """Bytes that are copied because units leave their home."""
        return self._priced(self.instance.copied)

    def moved(self) -> Measure:
        """How many VMs leave their home with their units."""
        return self._priced(self.instance.moves)

    def leaving(self, vms: frozenset[Uuid]) -> Measure:
        """How many of *vms* leave their home."""
        counts = [len(vms.intersection(members)) for members in self.instance.units]
        price = MoveCost.flat(self.instance.home, np.array(counts, dtype=np.int64), len(self.instance.hosts))
        return self._priced(price)

    def _priced(self, price: MoveCost) -> Measure:
        variables, coefficients, offset = self._paid(price)
        return Measure(
            variables=tuple(variables.tolist()),
            coefficients=tuple((coefficients // price.divisor).tolist()),
            offset=offset // price.divisor,
            largest=price.largest // price.divisor,
            worth=Fraction(price.divisor),
        )

    def goal(self, objective: Objective) -> Goal:
        """The measures of *objective*, as one number to be minimised or held."""
        return goal_of(objective.post(self, self.instance.problem))

    def minimise(self, goal: Goal) -> None:
        """Look for the smallest *goal*."""
        self.writer.minimise(goal.variables, goal.coefficients, goal.offset)

    def hold(self, goal: Goal, value: int) -> None:
        """Never again more than *value* of *goal*."""
        self.at_most(goal.variables, goal.coefficients, value - goal.offset)

    def at_least(self, goal: Goal, value: int) -> None:
        """*value* of *goal* at least, which holds anyway: a proof that the search need not find."""
        self.at_most(goal.variables, [-each for each in goal.coefficients], goal.offset - value)

    def value(self, goal: Goal, at: Ints) -> int:
        """The sum of *goal* where the units are *at*."""
        values = self.values(at)
        terms = zip(goal.variables, goal.coefficients, strict=True)
        return goal.offset + sum(values[each] * factor for each, factor in terms)

    def hint(self, at: Ints) -> None:
        """Start from the units at *at*: a complete hint, derived variables included."""
        self.writer.hint(self.values(at))

    def _paid(self, price: MoveCost) -> tuple[Ints, Ints, int]:
        """What units that are not at home cost together: variables, coefficients, offset."""
        at_home = self.variable[np.arange(len(price.home)), price.home]
        free = at_home != NO_VARIABLE
        extra = price.extra[self.units, self.at_hosts]
        dearer = np.flatnonzero(extra)
        offset = int(price.least[~self.constant].sum() + price.at(self.scope.at)[self.constant].sum())
        return np.append(at_home[free], dearer), np.append(-price.least[free], extra[dearer]), offset
