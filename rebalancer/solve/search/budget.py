"""How much work a solve may do, and how it is shared."""

from __future__ import annotations

import time

from rebalancer.policy import LimitsPolicy
from rebalancer.solve.model.cp_sat import Effort

WORK_PER_SECOND = 0.5
"""Work, in CP-SAT's deterministic seconds, that is done in a second also where another process shares the core."""


class Budget:
    """Work and time left; work decides, so that the same input gives the same answer, and the clock is the brake."""

    def __init__(self, limits: LimitsPolicy) -> None:
        self._left = limits.solve_seconds * WORK_PER_SECOND
        self._until = time.monotonic() + limits.solve_seconds
        self._limits = limits

    def share(self, tiers_left: int) -> Effort:
        """What the next tier may take: most of what is left, the rest for the tiers after it."""
        part = 1.0 if tiers_left == 1 else 0.7
        return Effort(
            deterministic=max(0.05, self._left * part),
            seconds=max(0.1, (self._until - time.monotonic()) * part),
            seed=self._limits.seed,
            gap=self._limits.gap,
            gap_pcpu_hours=self._limits.gap_pcpu_hours,
        )

    def spend(self, deterministic: float) -> None:
        """Work that is done."""
        self._left -= deterministic
