"""Limits and groups in whole numbers: what pool rules ask of units and hosts."""

from __future__ import annotations

from collections.abc import Sequence
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

    Whatever is above `upper` counts as broken; no move is refused for what is up to `most`.
    """

    family: int
    hosts: Ints
    upper: int
    most: int
    unit: int
    start: int

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
class Group:
    """Units that belong on one host: `hosts` are those where they are, `fixed` those of members that stay."""

    units: Ints
    hosts: frozenset[int]
    fixed: frozenset[int]

    @property
    def apart(self) -> bool:
        """Whether they are on several hosts now."""
        return len(self.hosts) > 1
