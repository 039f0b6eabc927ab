"""When a plan may be begun: once it is made, until it expires."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebalancer.plan.plan import Plan
from rebalancer.units import moment_in_words

SKEW = timedelta(minutes=10)
"""How far the clocks of two machines may differ."""


def untimely(plan: Plan, now: datetime) -> str:
    """Why *plan* may not be begun *now*, in words that follow its name; "" where it may.

    Example:
        >>> from datetime import timedelta
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> rb.plan.untimely(plan, plan.made_at)
        ''
        >>> rb.plan.untimely(plan, plan.expires_at + timedelta(hours=1)).partition(" at ")[0]
        'expired'
    """
    zone = plan.policy.timezone
    if now > plan.expires_at:
        return f"expired at {moment_in_words(plan.expires_at, zone)}"
    if plan.made_at > now + SKEW:
        return f"says that it was made at {moment_in_words(plan.made_at, zone)}, in the future: compare the clocks"
    return ""
