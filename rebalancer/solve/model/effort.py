"""What searches may cost: work, which decides what is found, and a wall clock that only ends what takes far too long.

A second of `limits.solve_seconds` is what a machine does in a second that has another process on every core: half of
CP-SAT's deterministic second. Models that are read and shifts that are weighed count as what they take beside it. The
same input makes the same answer for the same work, however busy the machine is; its wall clock may take `CEILING` times
as long.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

from rebalancer.policy import LimitsPolicy

WORK_PER_SECOND = 0.5
"""Work, in CP-SAT's deterministic seconds, of one of `limits.solve_seconds`."""

CEILING = 4.0
"""How many times `limits.solve_seconds` the wall clock may take; then the best answer so far is the answer."""

READING_WORK, ROWS_WORK = 3e-6, 2.4e-5
"""The work of reading each term and row of a model: CP-SAT counts only its search.

So one of work is about a second of CPU time; neighbourhoods of robust problems have many short rows.
"""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time of the monotonic clock; by default one that never comes."""

    at: float = math.inf

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def of(cls, limits: LimitsPolicy, most_seconds: float = math.inf) -> Deadline:
        """When planning under *limits* ends, which begins now and may take no more than *most_seconds*."""
        return cls.after(min(CEILING * limits.solve_seconds, most_seconds))

    @property
    def left(self) -> float:
        """Seconds until then, 0 at least."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return self.left <= 0


NEVER = Deadline()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What a search may cost; the answer depends on `until` only where it cuts the search short.

    Args:
        deterministic: work of all workers, in CP-SAT's deterministic seconds.
        seed: of all random choices.
        until: when the wall clock ends it.
        gap: relative distance to the bound that is good enough.
        gap_pcpu_hours: distance to the first bound that is good enough once neighbourhoods had their share.
        presolve: whether the model is worth simplifying first.
        prove: whether to raise the bound first, by linear relaxations; it is the quickest way to a proof, and slow
            where there is none.
        cuts: whether linear relaxations get cuts, without which peaks say next to nothing in them.
    """

    deterministic: float
    seed: int
    until: Deadline = field(default=NEVER)
    gap: float = 0.0
    gap_pcpu_hours: float = 0.0
    presolve: bool = True
    prove: bool = True
    cuts: bool = True

    @classmethod
    def quick(cls, work: float, *, seed: int, until: Deadline = NEVER, cuts: bool = False) -> Effort:
        """A search of a small model."""
        return cls(deterministic=work, until=until, seed=seed, presolve=False, prove=False, cuts=cuts)

    def ended_by(self, work: float) -> bool:
        """Whether so much *work* ended a search and not the clock: CP-SAT begins a step only where both have some left.

        Of the clock it wants as much as its longest step took, so that it stops a moment before the time has come.
        """
        return work >= self.deterministic or self.until == NEVER

    def part(self, share: float) -> Effort:
        """A share of the work."""
        return self.of(self.deterministic * share)

    def of(self, work: float) -> Effort:
        """The same for so much *work*, or the least there is."""
        return replace(self, deterministic=max(LEAST_WORK, work))


LEAST_WORK = 0.05
"""What a search gets where nothing is left: enough for an answer near the one that it starts from."""


class Budget:
    """The work that is left of some limits, until the wall clock ends all."""

    def __init__(self, limits: LimitsPolicy, *, until: Deadline | None = None, most: float = math.inf) -> None:
        """*most* is how much work there may be whatever the limits say."""
        self._left = self._whole = min(limits.solve_seconds * WORK_PER_SECOND, most)
        self.until = Deadline.of(limits) if until is None else until
        self._limits = limits

    @property
    def spent(self) -> float:
        """Work that is done."""
        return self._whole - self._left

    @property
    def over(self) -> bool:
        """Whether no work is left, or no time."""
        return self._left <= 0 or self.until.passed

    def share(self, part: float) -> Effort:
        """A part of what is left; what it does not use is for others."""
        return Effort(
            deterministic=max(LEAST_WORK, self._left * part),
            until=self.until,
            seed=self._limits.seed,
            gap=self._limits.gap,
            gap_pcpu_hours=self._limits.gap_pcpu_hours,
        )

    def spend(self, work: float) -> None:
        """Count *work* as done."""
        self._left -= work
