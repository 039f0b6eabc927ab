"""What load costs: nothing up to the threshold, and more from each level to the next."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rebalancer.objectives.load import pcpus_at
from rebalancer.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The cost of load, which is convex: a pCPU-hour costs the sum of the steps of all levels that it is above.

    Args:
        limits: pCPUs from which each step counts, lowest first, shape (levels, hosts).
        steps: how much more a pCPU-hour costs from each level on, positive.
    """

    limits: NDArray[np.float64]
    steps: tuple[Fraction, ...]

    def cost(self, load: NDArray[np.float64], hours: NDArray[np.float64]) -> float:
        """What *load* costs, of shape (hosts, slots), for so many *hours* in each slot, shape (slots,)."""
        above = (np.maximum(load - limits[:, None], 0.0).sum(axis=0) @ hours for limits in self.limits)
        return float(sum(float(step) * each for step, each in zip(self.steps, above, strict=True)))


def levels_of(problem: Problem) -> Levels:
    """The threshold, and those of the policy's levels that are above it."""
    objective = problem.policy.objective
    shares, costs = [objective.threshold], [Fraction(1)]
    for share, cost in objective.levels:
        if share > objective.threshold:
            shares.append(share)
            costs.append(Fraction(str(cost)))
    limits = np.array([pcpus_at(share, problem) for share in shares])
    return Levels(limits=limits, steps=tuple(b - a for a, b in zip([Fraction(0), *costs], costs, strict=False)))
