"""The CP-SAT model of where units go, in the words of the domain.

Units outside the scope are constants, so that the same class makes the whole model and every neighbourhood of it. Rows
go to the buffer as lists of variables and coefficients, found by numpy for all units at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from rebalancer.inventory import Uuid
from rebalancer.objectives import Measure
from rebalancer.solve.breaches import breaches
from rebalancer.solve.buffer import Buffer
from rebalancer.solve.disk_rows import post_disks
from rebalancer.solve.goal import Goal, goal_of
from rebalancer.solve.limit_rows import post_groups, post_limits
from rebalancer.solve.load_rows import LoadRows, highest_share, load_above
from rebalancer.solve.occupancy import occupied
from rebalancer.solve.prepare import Bools, Ints, Prepared
from rebalancer.solve.price import Price
from rebalancer.solve.restart_rows import failures_lost, post_restarts

NO_VARIABLE = -1

Numbers = Sequence[int] | Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scope:
    """What a model decides.

    Args:
        free: the pairs of unit and host to choose from, shape (units, hosts); a unit without any is a constant.
        at: the host of each constant, shape (units,).
        watched: the hosts and slots whose overload is counted, shape (hosts, slots); the others count as free of it,
            which makes the model a relaxation. None: all.
    """

    free: Bools
    at: Ints
    watched: Bools | None = None


class PlacementModel:
    """Where every unit goes; implements `rebalancer.objectives.Model`."""

    def __init__(self, prepared: Prepared, scope: Scope) -> None:
        self.prepared, self.scope = prepared, scope
        self._buffer = Buffer()
        self.cp = self._buffer.cp
        self._derived: list[Callable[[Ints], Sequence[int]]] = []
        self.load_rows: list[LoadRows] = []
        self.units, self.at_hosts = np.nonzero(scope.free)
        self.variable = np.full(scope.free.shape, NO_VARIABLE, dtype=np.int64)
        self.variable[self.units, self.at_hosts] = np.arange(len(self.units))
        self.constant: Bools = np.logical_not(scope.free.any(axis=1))
        self.load = prepared.base.copy()
        np.add.at(self.load, scope.at[self.constant], prepared.demand[self.constant])
        self._post_choice()
        post_limits(self)
        post_groups(self)
        post_disks(self)
        post_restarts(self)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self._buffer.rows

    @property
    def terms(self) -> int:
        """How many coefficients all sums have."""
        return self._buffer.terms

    def whole_number(self, upper: int, derived: Callable[[Ints], int]) -> int:
        """A new variable from 0 to *upper*; *derived* tells its value from those of the pairs."""
        return self.whole_numbers((upper,), lambda chosen: (derived(chosen),))[0]

    def whole_numbers(self, uppers: Sequence[int], derived: Callable[[Ints], Sequence[int]]) -> range:
        """A new variable from 0 to each of *uppers*; *derived* tells the values of all from those of the pairs."""
        self._derived.append(derived)
        return self._buffer.add_whole_numbers(uppers)

    def at_most(self, variables: Numbers, coefficients: Numbers, upper: int, *, given: int | None = None) -> None:
        """A weighted sum is at most *upper*, where *given* holds if it is named; divided by common factors."""
        factors = np.asarray(coefficients, dtype=np.int64)
        divisor = int(np.gcd.reduce(factors)) or 1
        summed = np.asarray(variables, dtype=np.int64).tolist()
        self.post_sum(summed, (factors // divisor).tolist(), upper // divisor, given=given)

    def post_sum(self, variables: list[int], coefficients: list[int], upper: int, *, given: int | None = None) -> None:
        """The row as it is; lists, because the protocol buffer takes them in half the time of arrays."""
        self._buffer.at_most(variables, coefficients, upper, given)

    def post_sums(
        self, shared: Sequence[int], own: Sequence[int], columns: Sequence[list[int]], uppers: Sequence[int]
    ) -> None:
        """A row for each of *own*: its column's sum over the *shared* variables, less itself, is at most its upper."""
        self._buffer.at_most_each(shared, own, columns, uppers)

    def implies(self, cause: int, effect: int) -> None:
        """Where *cause* holds, *effect* holds."""
        self._buffer.implies(cause, effect)

    def fix(self, variable: int, value: int) -> None:
        """*variable* is *value*."""
        self._buffer.fix(variable, value)

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
        """How many limits that are broken tonight stay so, and by how many of their units."""
        return breaches(self)

    def occupied(self, always: frozenset[Uuid]) -> Measure:
        """How many hosts somebody is on; those in *always* count whoever is there."""
        return occupied(self, always)

    def copied(self) -> Measure:
        """Bytes that are copied because units leave their home."""
        return self._priced(self.prepared.copied)

    def failures_lost(self) -> Measure:
        """How many failures of hosts stay lost, of those that are to be mended."""
        return failures_lost(self)

    def leaving(self, vms: frozenset[Uuid]) -> Measure:
        """How many of *vms* leave their home."""
        counts = [len(vms.intersection(members)) for members in self.prepared.units]
        price = Price.flat(self.prepared.home, np.array(counts, dtype=np.int64), len(self.prepared.hosts))
        return self._priced(price)

    def _priced(self, price: Price) -> Measure:
        """What units cost that leave their home."""
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
        self._buffer.minimise(goal.variables, goal.coefficients, goal.offset)

    def hold(self, goal: Goal, value: int) -> None:
        """Never again more than *value* of *goal*."""
        self.at_most(goal.variables, goal.coefficients, value - goal.offset)

    def values(self, at: Ints) -> list[int]:
        """The value of every variable where the units are *at*."""
        chosen = (at[self.units] == self.at_hosts).astype(np.int64)
        return [*chosen.tolist(), *chain.from_iterable(derived(chosen) for derived in self._derived)]

    def value(self, goal: Goal, at: Ints) -> int:
        """The sum of *goal* where the units are *at*."""
        values = self.values(at)
        return goal.offset + sum(
            values[each] * factor for each, factor in zip(goal.variables, goal.coefficients, strict=True)
        )

    def hint(self, at: Ints) -> None:
        """Start from the units at *at*: a complete hint, derived variables included."""
        self._buffer.hint(self.values(at))

    def placement(self, values: Sequence[int]) -> Ints:
        """The host of every unit under the solver's *values*."""
        chosen = np.fromiter(values, dtype=np.int64, count=len(self.units)) > 0
        at = self.scope.at.copy()
        at[self.units[chosen]] = self.at_hosts[chosen]
        return at

    def _post_choice(self) -> None:
        """A variable for each pair; each unit is on one host."""
        self._buffer.add_booleans(len(self.units))
        free = np.flatnonzero(~self.constant)
        ends = np.searchsorted(self.units, free, side="right").tolist()
        for first, end in zip([0, *ends], ends, strict=False):
            self._buffer.exactly_one(range(first, end))

    def _paid(self, price: Price) -> tuple[Ints, Ints, int]:
        """What units cost that are not at home, summed: variables, coefficients, offset."""
        at_home = self.variable[np.arange(len(price.home)), price.home]
        free = at_home != NO_VARIABLE
        extra = price.extra[self.units, self.at_hosts]
        dearer = np.flatnonzero(extra)
        offset = int(price.least[~self.constant].sum() + price.at(self.scope.at)[self.constant].sum())
        return np.append(at_home[free], dearer), np.append(-price.least[free], extra[dearer]), offset
