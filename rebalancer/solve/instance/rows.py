"""Limits and groups in whole numbers: what pool rules ask of units and hosts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """Weights that several limits share.

    Args:
        resident: weight of each unit on the host where it is now, shape (units,).
        arrival: weight of each unit that comes, shape (units,).
        fixed: weight of what never moves, by host, shape (hosts,).
        members: units that weigh anything.
        most: what it never weighs more than, anywhere.
    """

    resident: Ints
    arrival: Ints
    fixed: Ints
    members: Ints = field(init=False)
    most: int = field(init=False)

    def __post_init__(self) -> None:
        """Find the members and the most once: every model asks for them."""
        most = int((self.resident + self.arrival).sum() + self.fixed.sum())
        object.__setattr__(self, "most", most)
        object.__setattr__(self, "members", np.flatnonzero((self.resident > 0) | (self.arrival > 0)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limit:
    """A row of a pool rule: the weights on `hosts` are at most `upper`; `start` is what they are now.

    Whatever is above `upper` counts as broken; no move is refused for what is up to `most`. A `lazy` one is one of very
    many: large models state it once it was found to matter.
    """

    family: int
    hosts: Ints
    upper: int
    most: int
    unit: int
    start: int
    lazy: bool = False

    @property
    def broken(self) -> bool:
        """Whether more is there now than `upper`."""
        return self.start > max(self.upper, 0)

    @property
    def closed(self) -> bool:
        """Whether nobody may join until less is there than now."""
        return self.start > max(self.most, 0)

    def covers(self, places: Ints) -> Bools:
        """Which of the hosts in *places* are among `hosts`."""
        return places == self.hosts[0] if len(self.hosts) == 1 else np.isin(places, self.hosts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Register:
    """Where to look up limits: of each its family, its host (-1 where it is over several), and what it leaves room for.

    `upper` is -1 where a limit is closed now, so that every weight is above it; all of shape (limits,).
    `weighs` tells which units weigh anything in which family, shape (families, units).
    """

    family: Ints
    host: Ints
    upper: Ints
    weighs: Bools

    @classmethod
    def of(cls, limits: Sequence[Limit], families: Sequence[Family], units: int) -> Register:
        """The register of some limits, in their order, and of the families of *units* units."""
        weighs = np.zeros((len(families), units), dtype=np.bool_)
        for number, family in enumerate(families):
            weighs[number, family.members] = True
        return cls(
            family=np.array([limit.family for limit in limits], dtype=np.int64),
            host=np.array([limit.hosts[0] if len(limit.hosts) == 1 else -1 for limit in limits], dtype=np.int64),
            upper=np.array([-1 if limit.closed else max(limit.most, 0) for limit in limits], dtype=np.int64),
            weighs=weighs,
        )

    def reached(self, units: Bools) -> Ints:
        """The families in which one of *units* weighs anything."""
        return np.flatnonzero((self.weighs & units).any(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Breakable:
    """Limits of single hosts that may be broken, in arrays of shape (limits,), with what residents weigh in each.

    Args:
        limits: the limits.
        family: of each the place of its family in `weights`.
        host: its host.
        upper: what counts as broken begins above it.
        unit: one breach.
        weights: of each unit in each family, shape (units, families).
        fixed: what stays on each host, shape (hosts, families).
    """

    limits: tuple[Limit, ...]
    family: Ints
    host: Ints
    upper: Ints
    unit: Ints
    weights: Ints
    fixed: Ints

    @classmethod
    def of(cls, limits: Iterable[Limit], families: Sequence[Family], units: int, hosts: int) -> Breakable:
        """Those of *limits* that are over one host."""
        single = tuple(limit for limit in limits if len(limit.hosts) == 1)
        numbers = sorted({limit.family for limit in single})
        place = {number: index for index, number in enumerate(numbers)}
        return cls(
            limits=single,
            family=np.array([place[limit.family] for limit in single], dtype=np.int64),
            host=np.array([limit.hosts[0] for limit in single], dtype=np.int64),
            upper=np.array([limit.upper for limit in single], dtype=np.int64),
            unit=np.array([limit.unit for limit in single], dtype=np.int64),
            weights=np.array([families[each].resident for each in numbers], dtype=np.int64)
            .reshape(len(numbers), units)
            .T,
            fixed=np.array([families[each].fixed for each in numbers], dtype=np.int64).reshape(len(numbers), hosts).T,
        )

    def held(self, units: Ints, at: Ints) -> Ints:
        """What *units* weigh in each limit where they are *at*, one host each, shape (limits,)."""
        held: Ints = _summed(self.weights[units], at, len(self.fixed))[self.host, self.family]
        return held

    def breaches(self, weight: Ints) -> Ints:
        """Whole units that each limit is exceeded by where it holds *weight*, shape (limits,); none where nobody is."""
        above = -((self.upper - weight) // self.unit)
        return np.where(weight > 0, np.maximum(above, 0), 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lazy:
    """Lazy limits in arrays: newcomers weigh what residents weigh, and no host holds more than `most` now.

    Args:
        families: the numbers of their families.
        weights: of each unit in each of these, shape (units, families).
        fixed: what stays on each host, shape (hosts, families).
        most: what each host may hold, shape (hosts, families).
    """

    families: Ints
    weights: Ints
    fixed: Ints
    most: Ints

    @classmethod
    def of(cls, limits: Iterable[Limit], families: Sequence[Family], units: int, hosts: int) -> Lazy:
        """Those of *limits* that are lazy."""
        lazy = [limit for limit in limits if limit.lazy]
        numbers = sorted({limit.family for limit in lazy})
        place = {number: index for index, number in enumerate(numbers)}
        most = np.full((hosts, len(numbers)), np.iinfo(np.int64).max)
        for limit in lazy:
            most[limit.hosts[0], place[limit.family]] = max(limit.most, 0)
        return cls(
            families=np.array(numbers, dtype=np.int64),
            weights=np.array([families[each].resident for each in numbers]).reshape(len(numbers), units).T,
            fixed=np.array([families[each].fixed for each in numbers]).reshape(len(numbers), hosts).T,
            most=most,
        )

    def exceeded(self, at: Ints) -> Bools:
        """Which of them do not hold where the units are *at*, shape (hosts, families)."""
        found: Bools = self.fixed + _summed(self.weights, at, len(self.fixed)) > self.most
        return found


def _summed(weights: Ints, at: Ints, hosts: int) -> Ints:
    """What is on each host, where each row of *weights* is *at* one, shape (hosts, columns)."""
    found = np.zeros((hosts, weights.shape[1]), dtype=np.int64)
    order = np.argsort(at, kind="stable")
    there, firsts = np.unique(at[order], return_index=True)
    if len(there):
        found[there] = np.add.reduceat(weights[order], firsts, axis=0)
    return found


STATED_TERMS = 250_000
"""Pairs of unit and host times lazy families up to which models state all lazy limits."""
NEAR = 0.85
"""Share of what a host may hold from which a lazy limit is stated at once."""


def stated_at_first(families: Sequence[Family], limits: Iterable[Limit], legal: Bools) -> Bools:
    """Which limits models state before any answer was found to break one, shape (families, hosts)."""
    lazy = [limit for limit in limits if limit.lazy]
    numbers = {limit.family for limit in lazy}
    stated = np.ones((len(families), legal.shape[1]), dtype=np.bool_)
    if int(legal.sum()) * len(numbers) > STATED_TERMS:
        stated[sorted(numbers)] = False
        for limit in lazy:
            stated[limit.family, limit.hosts[0]] = limit.start >= NEAR * limit.most
    return stated


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Units that belong on one host: `hosts` are those where they are, `fixed` those of members that stay."""

    units: Ints
    hosts: frozenset[int]
    fixed: frozenset[int]

    @property
    def apart(self) -> bool:
        """Whether they are on several hosts now."""
        return len(self.hosts) > 1
