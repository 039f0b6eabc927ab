"""How finely the solver counts load.

Load is rounded up to whole parts of a pCPU, limits down. What is rounded adds to the overload that the solver sees, so
a bound in true units is the solver's bound less the sum of all roundings. Metrics that are kept in thousandths lose
nothing; for others the parts are made so small that the sum does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COARSE = 1000
FINE = 10**7
"""The roundings of 1500 VMs in 24 slots add up to 0.002 pCPU-hours, and sums stay small enough for CP-SAT."""

GRAIN = 1e-6
"""Part of a part that counts as float noise: 0.3 pCPU is 300 thousandths, not 301."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """How many parts a pCPU has, and how much the rounding of all demand adds up to, in pCPUs."""

    parts_per_pcpu: int
    demand_surplus_pcpu: float = 0.0

    def parts(self, pcpu: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole parts that surely cover *pcpu*."""
        return np.ceil(pcpu * self.parts_per_pcpu - GRAIN).astype(np.int64)

    def limit_parts(self, pcpu: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole parts that *pcpu* surely offers."""
        return np.floor(pcpu * self.parts_per_pcpu + GRAIN).astype(np.int64)

    def surplus(self, limits: NDArray[np.float64]) -> float:
        """How many pCPUs more than the truth an excess over *limits* may show, over all hosts and slots."""
        lost = limits - self.limit_parts(limits) / self.parts_per_pcpu
        return self.demand_surplus_pcpu + _unless_noise(float(np.maximum(lost, 0.0).sum()))


def resolution_for(loads: Sequence[NDArray[np.float64]]) -> Resolution:
    """Thousandths where all *loads* are kept in them, else parts so fine that rounding is below any decision."""
    stacked = np.vstack(loads)
    if _surplus(stacked, COARSE) == 0:
        return Resolution(parts_per_pcpu=COARSE)
    return Resolution(parts_per_pcpu=FINE, demand_surplus_pcpu=_surplus(stacked, FINE))


def _surplus(loads: NDArray[np.float64], parts: int) -> float:
    """What rounding up to *parts* of a pCPU adds, summed."""
    rounded = np.ceil(loads * parts - GRAIN) / parts
    return _unless_noise(float(np.maximum(rounded - loads, 0.0).sum()))


def _unless_noise(surplus: float) -> float:
    """*surplus*, or 0 where it is what float sums are off anyway."""
    return surplus if surplus > GRAIN else 0.0
