"""Where units may go, as variables of a model: one for each pair of unit and host, and rows over them.

Units outside the scope are constants, so that the same class makes the whole model and every neighbourhood of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.model.proto_writer import ProtoWriter

NO_VARIABLE = -1

Numbers = Sequence[int] | Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scope:
    """What a model decides.

    Args:
        free: the pairs of unit and host to choose from, shape (units, hosts); a unit without any is a constant.
        at: the host of each constant, shape (units,).
        watched: the hosts and columns whose overload is counted, shape (hosts, columns); the others count as free of
            it, which makes the model a relaxation. None: all.
        paid: how many of the lowest levels of load are not counted in each column, because they are elsewhere, shape
            (columns,). None: none.
        levels: how many of the lowest levels of load are told apart; what is above the last of them costs what that
            level does, which makes the model a relaxation. None: all.
    """

    free: Bools
    at: Ints
    watched: Bools | None = None
    paid: Ints | None = None
    levels: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """Slots of a host to which *pairs* may bring more load than there is room for.

    Args:
        host: the host.
        pairs: those that lead to it.
        demand: what each of them brings, shape (pairs, slots).
        room: what there is room for besides who is there anyway, shape (slots,).
        excess: the variables for how much more they bring, by slot; their sum is it.
    """

    host: int
    pairs: Ints
    demand: Ints
    room: Ints
    excess: tuple[list[int], ...] = ()


class Assignment:
    """Every unit is on one of the hosts that it may go to; rows and numbers are added to that."""

    def __init__(self, instance: Instance, scope: Scope) -> None:
        self.instance, self.scope = instance, scope
        self.writer = ProtoWriter()
        self._derived: list[Callable[[Ints], Sequence[int]]] = []
        self.load_rows: list[Loaded] = []
        self.units, self.at_hosts = np.nonzero(scope.free)
        self.variable = np.full(scope.free.shape, NO_VARIABLE, dtype=np.int64)
        self.variable[self.units, self.at_hosts] = np.arange(len(self.units))
        self.constant: Bools = np.logical_not(scope.free.any(axis=1))
        self.load = instance.base.copy()
        np.add.at(self.load, scope.at[self.constant], instance.demand[self.constant])
        self._post_choice()

    def whole_number(self, upper: int, derived: Callable[[Ints], int]) -> int:
        """A new variable from 0 to *upper*; *derived* tells its value from those of the pairs."""
        return self.whole_numbers((upper,), lambda chosen: (derived(chosen),))[0]

    def whole_numbers(self, uppers: Sequence[int], derived: Callable[[Ints], Sequence[int]]) -> range:
        """A new variable from 0 to each of *uppers*; *derived* tells the values of all from those of the pairs."""
        self._derived.append(derived)
        return self.writer.add_variables(uppers)

    def any_of(self, pairs: Sequence[int]) -> int:
        """A new variable that is 1 where one of *pairs* holds; rows have to keep it from being 1 elsewhere."""
        chosen_of = np.asarray(pairs, dtype=np.int64)
        found = self.whole_number(1, lambda chosen: int(chosen[chosen_of].any()))
        for pair in pairs:
            self.writer.implies(pair, found)
        return found

    def at_most(self, variables: Numbers, coefficients: Numbers, upper: int, *, given: int | None = None) -> None:
        """A weighted sum is at most *upper*, where *given* holds if it is named; divided by common factors."""
        factors = np.asarray(coefficients, dtype=np.int64)
        divisor = int(np.gcd.reduce(factors)) or 1
        summed = np.asarray(variables, dtype=np.int64).tolist()
        self.writer.at_most(summed, (factors // divisor).tolist(), upper // divisor, given=given)

    def values(self, at: Ints) -> list[int]:
        """The value of every variable where the units are *at*."""
        chosen = (at[self.units] == self.at_hosts).astype(np.int64)
        return [*chosen.tolist(), *chain.from_iterable(derived(chosen) for derived in self._derived)]

    def placement(self, values: Sequence[int]) -> Ints:
        """The host of every unit under the solver's *values*."""
        chosen = np.fromiter(values, dtype=np.int64, count=len(self.units)) > 0
        at = self.scope.at.copy()
        at[self.units[chosen]] = self.at_hosts[chosen]
        return at

    def _post_choice(self) -> None:
        self.writer.add_booleans(len(self.units))
        free = np.flatnonzero(~self.constant)
        ends = np.searchsorted(self.units, free, side="right").tolist()
        for first, end in zip([0, *ends], ends, strict=False):
            self.writer.exactly_one(range(first, end))
