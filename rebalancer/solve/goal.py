"""What the solver minimises: the measures of an objective, as one whole number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from rebalancer.objectives import Measure

LARGEST = 2**51
"""Where sums of goals have to stay, so that CP-SAT, which reports them as floats, reports them exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A sum of variables; one of it is worth `worth` in the objective's unit.

    What the sum says may be more than the truth by `surplus`, because loads are rounded up, and it may be less,
    because the worth of a measure may be rounded down: so a lower bound of the sum, less the surplus, is one of the truth.
    """

    variables: tuple[int, ...]
    coefficients: tuple[int, ...]
    offset: int
    worth: Fraction
    surplus: float

    def truth(self, bound: int) -> float:
        """A lower bound of the objective, where *bound* is one of the sum."""
        return max(0.0, float(bound * self.worth) - self.surplus)


def goal_of(measures: Sequence[Measure], most: Sequence[int]) -> Goal:
    """The sum of *measures*; *most* is the largest value of each variable."""
    useful = [measure for measure in measures if measure.worth]
    worth = _common_worth(useful, most)
    factors = [int(measure.worth / worth) for measure in useful]
    parts = list(zip(useful, factors, strict=True))
    return Goal(
        variables=tuple(each for measure, factor in parts if factor for each in measure.variables),
        coefficients=tuple(each * factor for measure, factor in parts if factor for each in measure.coefficients),
        offset=sum(measure.offset * factor for measure, factor in parts),
        worth=worth,
        surplus=sum(measure.surplus for measure in useful),
    )


def _common_worth(measures: Sequence[Measure], most: Sequence[int]) -> Fraction:
    """The largest number that all worths are multiples of, or a coarser one where sums would be too large."""
    if not measures:
        return Fraction(1)
    below = lcm(*(measure.worth.denominator for measure in measures))
    above = gcd(*(int(measure.worth * below) for measure in measures))
    total = sum((measure.worth * _size(measure, most) for measure in measures), start=Fraction(0))
    return max(Fraction(above, below), total / LARGEST)


def _size(measure: Measure, most: Sequence[int]) -> int:
    """The largest absolute value of a measure."""
    sizes = (abs(factor) * most[each] for each, factor in zip(measure.variables, measure.coefficients, strict=True))
    return sum(sizes) + abs(measure.offset) + 1
