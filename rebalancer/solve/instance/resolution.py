"""How finely the solver counts load.

Load is rounded up to whole parts of a pCPU, limits down. What is rounded adds to the overload that the solver sees, so
a bound in true units is the solver's bound less the sum of all roundings. Metrics that are kept with few decimals lose
nothing; for others the parts are made so small that the sum does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PARTS = (10**3, 10**4, 10**5, 10**6, 10**7)
"""Parts of a pCPU to try. With the finest, the roundings of 1500 VMs in 24 slots add up to 0.002 pCPU-hours."""

GRAIN = 1e-6
"""Part of a part that counts as float noise: 0.3 pCPU is 300 thousandths, not 301."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """How many parts a pCPU has, and how much the rounding of all demand adds up to, in pCPUs.

    An *optimistic* one rounds the other way, so that overload is never more than the truth.
    """

    parts_per_pcpu: int
    demand_surplus_pcpu: float = 0.0
    optimistic: bool = False

    def parts(self, pcpu: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole parts that surely cover *pcpu*."""
        return _down(pcpu, self.parts_per_pcpu) if self.optimistic else _up(pcpu, self.parts_per_pcpu)

    def limit_parts(self, pcpu: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole parts that *pcpu* surely offers."""
        return _up(pcpu, self.parts_per_pcpu) if self.optimistic else _down(pcpu, self.parts_per_pcpu)

    def surplus(self, limits: NDArray[np.float64]) -> float:
        """How many pCPUs more than the truth an excess over *limits* may show, over all hosts and slots."""
        if self.optimistic:
            return 0.0
        lost = limits - self.limit_parts(limits) / self.parts_per_pcpu
        return self.demand_surplus_pcpu + _unless_noise(float(np.maximum(lost, 0.0).sum()))


def resolution_for(loads: Sequence[NDArray[np.float64]]) -> Resolution:
    """The coarsest parts that all *loads* are whole numbers of; where none are, the finest."""
    stacked = np.vstack(loads)
    exact = (parts for parts in PARTS if _surplus(stacked, parts) == 0)
    parts = next(exact, PARTS[-1])
    return Resolution(parts_per_pcpu=parts, demand_surplus_pcpu=_surplus(stacked, parts))


def _up(pcpu: NDArray[np.float64], parts: int) -> NDArray[np.int64]:
    return np.ceil(pcpu * parts - GRAIN).astype(np.int64)


def _down(pcpu: NDArray[np.float64], parts: int) -> NDArray[np.int64]:
    return np.floor(pcpu * parts + GRAIN).astype(np.int64)


def _surplus(loads: NDArray[np.float64], parts: int) -> float:
    return _unless_noise(float(np.maximum(_up(loads, parts) / parts - loads, 0.0).sum()))


def _unless_noise(surplus: float) -> float:
    return surplus if surplus > GRAIN else 0.0
