"""What the solver minimises: the measures of an objective, as one whole number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, gcd, lcm

from rebalancer.objectives import Measure

LARGEST = 2**51
"""Where sums of goals have to stay, so that CP-SAT, which reports them as floats, reports them exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A sum of variables; one of it is worth `worth` in the objective's unit.

    What the sum says may be more than the truth by `surplus`, because loads are rounded up, and less by `shortfall`
    times its worth, because the worth of a measure may be rounded down. A lower bound of the sum, less the surplus, is
    one of the truth.
    """

    variables: tuple[int, ...]
    coefficients: tuple[int, ...]
    offset: int
    worth: Fraction
    surplus: float
    shortfall: int = 0

    def number(self, bound: Fraction) -> int:
        """A number below which the sum is not, where *bound*, in the objective's unit, holds for the truth.

        The truth is a whole of its worth, and the number rounded up, only where loads lose nothing.
        """
        return (floor(bound / self.worth) if self.surplus else ceil(bound / self.worth)) - self.shortfall

    def at_most(self, most: Fraction) -> int:
        """A number that the sum does not exceed where the truth, whose loads lose nothing, is at *most* in its unit."""
        return floor(most / self.worth)

    def truth(self, bound: int) -> float:
        """A lower bound of the objective, where *bound* is one of the sum."""
        return max(0.0, float(bound * self.worth) - self.surplus)


def number_of(variables: Sequence[int], *, offset: int = 0, largest: int) -> Measure:
    """How many of *variables* hold, or their sum, besides *offset*; never more than *largest*."""
    ones = (1,) * len(variables)
    return Measure(variables=tuple(variables), coefficients=ones, offset=offset, largest=largest, worth=Fraction(1))


def goal_of(measures: Sequence[Measure]) -> Goal:
    """The sum of *measures*."""
    useful = [measure for measure in measures if measure.worth]
    worth = _common_worth(useful)
    parts = [(measure, int(measure.worth / worth)) for measure in useful]
    return Goal(
        variables=tuple(each for measure, _ in parts for each in measure.variables),
        coefficients=tuple(each * factor for measure, factor in parts for each in measure.coefficients),
        offset=sum(measure.offset * factor for measure, factor in parts),
        worth=worth,
        surplus=sum(measure.surplus for measure in useful),
        shortfall=sum(measure.largest for measure, factor in parts if measure.worth != factor * worth),
    )


def _common_worth(measures: Sequence[Measure]) -> Fraction:
    """The largest number that all worths are multiples of; where sums would be too large for it, a coarser one.

    It depends on the problem alone, not on the part of it that a model covers: numbers of goals can be compared.
    """
    if not measures:
        return Fraction(1)
    below = lcm(*(measure.worth.denominator for measure in measures))
    exact = Fraction(gcd(*(int(measure.worth * below) for measure in measures)), below)
    total = sum((measure.worth * measure.largest for measure in measures), start=Fraction(0))
    if total / exact <= LARGEST:
        return exact
    smallest = min(measure.worth for measure in measures)
    return smallest / max(1, int(LARGEST * smallest / total))
