"""Levelling: an even load, or a low peak, for GiB that the policy wants to spend on it."""

from __future__ import annotations

from fractions import Fraction

from rebalancer.inventory import Uuid
from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.outlay import Outlay, price_per_gib
from rebalancer.objectives.peak import Peak
from rebalancer.objectives.spread import Spread
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.tier import LEVEL, LOWER_PEAK

POINTS = 100
"""Points of the capacity in a whole."""


class Level(Objective):
    """Spread that may cost something: `objective.level` GiB for a pCPU-hour less; moves count as GiB by price."""

    id = LEVEL
    sentence = "Spread, plus what moves cost, at the GiB that the policy spends on a pCPU-hour less."
    unit = "pCPU-hours"
    needs_demand = True
    needs_every_slot = True
    spends = True

    def value(self, placement: Placement, book: Rulebook) -> float:
        """PCPU-hours above the even share, and those that what is copied would have to take away."""
        paid = Outlay().value(placement, book) * float(exchanged(book.problem, book.problem.policy.objective.level))
        return Spread().value(placement, book) + paid

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """The measures of spread and outlay."""
        worth = exchanged(problem, problem.policy.objective.level)
        paid = Outlay().post(model, problem) if worth else ()
        return (*Spread().post(model, problem), *(each.times(worth) for each in paid))

    def unpaid(self) -> Objective:
        """Spread alone."""
        return Spread()


class LowerPeak(Objective):
    """A peak that may cost something: `objective.lower_peak` GiB for a point less.

    Args:
        hosts: as for `Peak`.
    """

    id = LOWER_PEAK
    sentence = "Peak, plus what moves cost, at the GiB that the policy spends on a point less."
    unit = "share of capacity"
    needs_demand = True
    needs_every_slot = True
    spends = True

    def __init__(self, hosts: frozenset[Uuid] | None = None) -> None:
        self.hosts = hosts

    def value(self, placement: Placement, book: Rulebook) -> float:
        """The highest share, and the part of a share that what is copied would have to take away."""
        rate = float(exchanged(book.problem, book.problem.policy.objective.lower_peak * POINTS))
        return Peak(self.hosts).value(placement, book) + Outlay().value(placement, book) * rate

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """The measures of peak and outlay."""
        worth = exchanged(problem, problem.policy.objective.lower_peak * POINTS)
        paid = Outlay().post(model, problem) if worth else ()
        return (*Peak(self.hosts).post(model, problem), *(each.times(worth) for each in paid))

    def unpaid(self) -> Objective:
        """Peak alone, of the same hosts."""
        return Peak(self.hosts)


def exchanged(problem: Problem, gib: float) -> Fraction:
    """What a pCPU-hour of outlay is worth where *gib* are paid for a unit less; 0 where nothing is."""
    price = Fraction(str(price_per_gib(problem.policy))) * Fraction(str(gib))
    return 1 / price if price else Fraction(0)
