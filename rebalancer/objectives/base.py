"""What an objective is.

An objective is a claim about placements in a real unit, smaller is better. `value` computes it exactly, for reports,
plans and the "before" column; `post` states it to the solver, through a model that speaks of moves, loads and
breaches. There is no third place that knows how it is computed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A whole number that the solver can make small, and what one of it is worth in the objective's unit.

    Args:
        variables: indices of the solver's variables.
        coefficients: how much one of each variable adds.
        offset: what is there whatever the variables are.
        largest: what it never exceeds, whichever part of the pool the model covers.
        worth: unit of the objective for 1.
        surplus: how much more the measure may say than the truth, in the objective's unit, because the solver's
            numbers are rounded up; 0 where all of them are exact.
    """

    variables: tuple[int, ...]
    coefficients: tuple[int, ...]
    offset: int
    largest: int
    worth: Fraction
    surplus: float = 0.0

    def times(self, factor: Fraction) -> Measure:
        """This measure, worth *factor* times as much."""
        return replace(self, worth=self.worth * factor, surplus=self.surplus * float(factor))

    def beside(self, surplus: float) -> Measure:
        """This measure, which may say so much more than the truth, in its unit."""
        return replace(self, surplus=surplus)


class SolverModel(Protocol):
    """What an objective may ask of the solver's model."""

    def breaches(self) -> Measure:
        """How many limits are broken, and by how many of their units."""

    def failures_lost(self) -> Measure:
        """How many failures of hosts stay lost, of those that are to be mended; worth is 1 per failure."""

    def leaving(self, vms: frozenset[Uuid]) -> Measure:
        """How many of *vms* leave their host; worth is 1 per VM."""

    def copied(self) -> Measure:
        """Bytes that are copied because VMs leave their host; worth is 1 per byte."""

    def moved(self) -> Measure:
        """How many VMs leave their host; worth is 1 per VM."""

    def occupied(self, always: frozenset[Uuid]) -> Measure:
        """How many hosts somebody is on; those in *always* count whoever is there."""

    def load_above(
        self, limits: NDArray[np.float64], steps: Sequence[Fraction], hours: Sequence[Fraction], first: int = 0
    ) -> tuple[Measure, ...]:
        """What load costs, by level: a pCPU-hour costs the sum of the *steps* of all *limits* that it is above.

        Limits, of shape (levels, hosts, columns), do not fall from level to level, and steps are positive. Columns are
        slots of CPU or of another resource, whose *first* one that is, in its unit; each counts so many *hours*.
        """

    def highest_share(self, capacities: NDArray[np.float64]) -> Measure:
        """The highest load of a host in a slot, as a share of *capacities* (hosts; 0 leaves one out)."""


class Objective(ABC):
    """Something that a placement should have little of."""

    id: ClassVar[str]
    sentence: ClassVar[str]
    unit: ClassVar[str]
    needs_demand: ClassVar[bool] = False
    """Whether it is computed from metrics."""
    needs_every_slot: ClassVar[bool] = False
    """Whether slots in which no host is above its threshold count, too."""
    spends: ClassVar[bool] = False
    """Whether it may copy more than objectives before it did: at a price of its own, which is part of it."""

    @abstractmethod
    def value(self, placement: Placement, book: Rulebook) -> float:
        """How much of it *placement* has, in `unit`, exact."""

    def unpaid(self) -> Objective:
        """What of it an objective that spends may not make worse: all but what is paid in it."""
        return self

    @abstractmethod
    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """What the solver is to make small: measures to be summed."""
