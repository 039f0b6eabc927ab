"""What earlier runs in a pool tell of how long its migrations take: a line through their times, robust to outliers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import median, quantiles

from rebalancer.execute.journal.past import Experience, Journals, Past
from rebalancer.inventory import Pool, Uuid
from rebalancer.plan import Pace, Plan, Step
from rebalancer.plan.duration import LEAST_STEPS, NO_EXPERIENCE, wire_seconds

MOST_STEPS = 200
"""Of more, the last count."""
SPREAD_SECONDS = 1.0
"""Two steps whose bytes take nearly the same time on the wire say nothing about the slope."""
DIGITS = 4


def learned_pace(pool: Uuid, state_dir: Path | None = None, *, past: Past | None = None) -> Pace:
    """How long migrations of *pool* take, by *past*, else by the journals; the assumptions where there are few.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> pace = rb.execute.learned_pace(state.pool.uuid)
        >>> pace.steps, pace.fixed_seconds
        (0, 8.0)
    """
    seen = sorted((past or Journals(state_dir)).experiences(pool), key=lambda each: each[0])
    return fitted([experience for _, experience in seen])


def wire_of(step: Step, plan: Plan, pool: Pool) -> float:
    """Seconds that the bytes of *step* take on the wire, shared as the durations of *plan* count on it."""
    limits = plan.policy.limits
    leaving = sum(each.source == step.source for each in plan.steps)
    coming = sum(each.target == step.target for each in plan.steps)
    sharing = min(leaving, limits.out_per_host, limits.concurrent), min(coming, limits.in_per_host, limits.concurrent)
    ends = step.source, step.target
    return round(wire_seconds(step.copied_bytes, pool, ends, step.network, sharing=sharing), 3)


def fitted(steps: Sequence[Experience]) -> Pace:
    """The pace of *steps*, oldest first; the assumptions where they are too few.

    Slope and offset are medians (Theil-Sen), so that up to a quarter of the steps may be wrong by any amount without
    moving them far; the interval leaves one step in ten below and one above.
    """
    latest = steps[-MOST_STEPS:]
    if len(latest) < LEAST_STEPS:
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
