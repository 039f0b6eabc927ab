"""What earlier migrations teach about the next: a line through their times that outliers do not bend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median, quantiles

from rebalancer.plan.duration import NO_EXPERIENCE, Pace

FEWEST, MOST = 8, 200
"""From fewer steps nothing is learned; of more, the last count."""
SPREAD_SECONDS = 1.0
"""Two steps whose bytes take nearly the same time on the wire say nothing about the slope."""
DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """A migration that went well: what its bytes take on the wire at nominal speed, and how long it took."""

    wire_seconds: float
    seconds: float


def fitted(steps: Sequence[Experience]) -> Pace:
    """The pace of *steps*, oldest first; the assumptions where they are too few.

    Slope and offset are medians (Theil-Sen), so that up to a quarter of the steps may be wrong by any amount without
    moving them far; the interval leaves one step in ten below and one above.
    """
    latest = steps[-MOST:]
    if len(latest) < FEWEST:
        return NO_EXPERIENCE
    factor = _slope(latest)
    fixed = max(0.0, median(each.seconds - factor * each.wire_seconds for each in latest))
    shares = [each.seconds / max(1.0, fixed + factor * each.wire_seconds) for each in latest]
    tenths = quantiles(shares, n=10, method="inclusive")
    return Pace(
        fixed_seconds=round(fixed, DIGITS),
        factor=round(factor, DIGITS),
        low=round(min(1.0, tenths[0]), DIGITS),
        high=round(max(1.0, tenths[-1]), DIGITS),
        steps=len(latest),
    )


def _slope(steps: Sequence[Experience]) -> float:
    """Seconds for a second on the wire; that of the assumptions where all steps are of one size."""
    slopes = [
        (one.seconds - other.seconds) / (one.wire_seconds - other.wire_seconds)
        for one, other in combinations(steps, 2)
        if abs(one.wire_seconds - other.wire_seconds) >= SPREAD_SECONDS
    ]
    found = median(slopes) if slopes else NO_EXPERIENCE.factor
    return found if found > 0 else NO_EXPERIENCE.factor
