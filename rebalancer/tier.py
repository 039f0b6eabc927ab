"""What came of one objective: its value before and after, and how far that may be from the best."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

BALANCE, LEVEL, LOWER_PEAK, PEAK, SPREAD = "balance", "level", "lower-peak", "peak", "spread"
"""Objectives by their ids, for those who only tell of them: balancing, and what is levelled and cleaned up after it."""
NEGLIGIBLE = 1e-9
"""Differences of objectives below this are float noise."""
ROUNDED = 1e-3
"""How far a value may be from a bound that it is said to meet, relatively or in its unit: solvers round loads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTo:
    """An objective of which there may be no more than `most`, in its unit."""

    objective: str
    unit: str
    most: float

    def rounded(self, decimals: int) -> HeldTo:
        """The same with so many *decimals*, as plans keep it."""
        return replace(self, most=round(self.most, decimals))


@dataclass(frozen=True, slots=True, kw_only=True)
class TierResult:
    """One objective: its value before and after, and a bound that no placement can beat for which the condition holds.

    Args:
        objective: its id.
        sentence: what it is.
        unit: of all values.
        before: its value now.
        after: its value in the end.
        bound: what no placement is below that has no more of what is `held`, keeps the limits of the policy, and makes
            no `excluded` set of moves.
        proved: whether `after` is the least under that condition.
        held: what was held while it was improved; nothing in results of versions that did not say it.
        excluded: how many sets of moves were ruled out, because no legal order of them was found.
    """

    objective: str
    sentence: str
    unit: str
    before: float
    after: float
    bound: float
    proved: bool
    held: tuple[HeldTo, ...] = ()
    excluded: int = 0

    @property
    def gap(self) -> float:
        """How far `after` may be from the best value, as a share of it."""
        return gap_of(self.after, self.bound, proved=self.proved)

    def rounded(self, decimals: int) -> TierResult:
        """The result with so many *decimals*, as plans keep it."""
        before, after, bound = (round(each, decimals) for each in (self.before, self.after, self.bound))
        proved, held = self.proved and meets(after, bound), tuple(each.rounded(decimals) for each in self.held)
        return replace(self, before=before, after=after, bound=bound, proved=proved, held=held)

    def ending_at(self, after: float) -> TierResult:
        """The result where later tiers led on to *after*: no bound is above it, and no proof is without its bound."""
        bound = min(self.bound, after)
        proved = meets(after, bound) if self.proved else after - bound <= NEGLIGIBLE
        return replace(self, after=after, bound=bound, proved=proved)


def meets(value: float, bound: float) -> bool:
    """Whether *value* is as good as *bound*, up to what rounding for the solver leaves."""
    return math.isclose(value, bound, rel_tol=ROUNDED, abs_tol=ROUNDED)


def gap_of(value: float, bound: float, *, proved: bool) -> float:
    """The distance of *value* from *bound* as a share of the larger; 0 where *value* is *proved* or meets the bound."""
    distance = abs(value - bound)
    return 0.0 if proved or distance <= NEGLIGIBLE else distance / max(abs(value), abs(bound))
