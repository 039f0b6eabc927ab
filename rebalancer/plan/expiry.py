"""When a plan may be begun."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebalancer.plan.plan import Plan

SKEW = timedelta(minutes=10)
"""How far the clocks of two machines may differ."""


def untimely(plan: Plan, now: datetime) -> str:
    """Why *plan* may not be begun *now*, in words that follow its name; "" where it may."""
    if now > plan.expires_at:
        return f"expired at {plan.expires_at:%Y-%m-%d %H:%M %Z}"
    if plan.made_at > now + SKEW:
        return f"says that it was made at {plan.made_at:%Y-%m-%d %H:%M %Z}, in the future: compare the clocks"
    return ""
