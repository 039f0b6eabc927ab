"""The CP-SAT model of where units go, in the words of the domain.

Rows go to the buffer as lists of variables and coefficients, found by numpy for all units at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rebalancer.inventory import Uuid
from rebalancer.objectives import Measure
from rebalancer.solve.instance.instance import Instance, Ints
from rebalancer.solve.instance.move_cost import Price
from rebalancer.solve.model.disk_rows import post_disks
from rebalancer.solve.model.limit_rows import post_groups, post_limits
from rebalancer.solve.model.load_rows import highest_share, load_above
from rebalancer.solve.model.objective_terms import Goal, goal_of
from rebalancer.solve.model.occupancy import occupied
from rebalancer.solve.model.restart_rows import failures_lost, post_restarts
from rebalancer.solve.model.variables import NO_VARIABLE, Assignment, Scope
from rebalancer.solve.model.violation_rows import breaches


class PlacementModel(Assignment):
    """Where every unit goes under all limits; implements `rebalancer.objectives.SolverModel`."""

    def __init__(self, instance: Instance, scope: Scope) -> None:
        super().__init__(instance, scope)
        post_limits(self)
        post_groups(self)
        post_disks(self)
        post_restarts(self)

    def limit_moves(self, price: Price, upper: int) -> None:
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

    def breaches(self) -> Measure:
        """How many limits that are broken now stay so, and by how many of their units."""
        return breaches(self)

    def occupied(self, always: frozenset[Uuid]) -> Measure:
        """How many hosts somebody is on; those in *always* count whoever is there."""
        return occupied(self, always)

    def copied(self) -> Measure:
        """Bytes that are copied because units leave their home."""
        return self._priced(self.instance.copied)

    def failures_lost(self) -> Measure:
        """How many failures of hosts stay lost, of those that are to be mended."""
        return failures_lost(self)

    def leaving(self, vms: frozenset[Uuid]) -> Measure:
        """How many of *vms* leave their home."""
        counts = [len(vms.intersection(members)) for members in self.instance.units]
        price = Price.flat(self.instance.home, np.array(counts, dtype=np.int64), len(self.instance.hosts))
        return self._priced(price)

    def _priced(self, price: Price) -> Measure:
        variables, coefficients, offset = self._paid(price)
        return Measure(
            variables=tuple(variables.tolist()),
            coefficients=tuple((coefficients // price.divisor).tolist()),
            offset=offset // price.divisor,
            largest=price.largest // price.divisor,
            worth=Fraction(price.divisor),
        )

    def load_above(self, limits: NDArray[np.float64]) -> Measure:
        """PCPUs above *limits* on the watched hosts and slots, summed."""
        return load_above(self, limits)

    def highest_share(self, capacities: NDArray[np.float64]) -> Measure:
        """One number that the share of no host with a capacity exceeds, in any slot."""
        return highest_share(self, capacities)

    def goal(self, measures: Sequence[Measure]) -> Goal:
        """The sum of *measures*, ready to be minimised or held."""
        return goal_of(measures)

    def minimise(self, goal: Goal) -> None:
        """Look for the smallest *goal*."""
        self.writer.minimise(goal.variables, goal.coefficients, goal.offset)

    def hold(self, goal: Goal, value: int) -> None:
        """Never again more than *value* of *goal*."""
        self.at_most(goal.variables, goal.coefficients, value - goal.offset)

    def value(self, goal: Goal, at: Ints) -> int:
        """The sum of *goal* where the units are *at*."""
        values = self.values(at)
        return goal.offset + sum(
            values[each] * factor for each, factor in zip(goal.variables, goal.coefficients, strict=True)
        )

    def hint(self, at: Ints) -> None:
        """Start from the units at *at*: a complete hint, derived variables included."""
        self.writer.hint(self.values(at))

    def _paid(self, price: Price) -> tuple[Ints, Ints, int]:
        """What units that are not at home cost together: variables, coefficients, offset."""
        at_home = self.variable[np.arange(len(price.home)), price.home]
        free = at_home != NO_VARIABLE
        extra = price.extra[self.units, self.at_hosts]
        dearer = np.flatnonzero(extra)
        offset = int(price.least[~self.constant].sum() + price.at(self.scope.at)[self.constant].sum())
        return np.append(at_home[free], dearer), np.append(-price.least[free], extra[dearer]), offset
