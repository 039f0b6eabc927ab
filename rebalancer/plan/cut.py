"""What the policy's limits on one plan leave undone."""

from __future__ import annotations

from rebalancer.plan.plan import Plan
from rebalancer.units import counted

LIMITS = "limits"
"""In the place of a rule: the plan makes as many moves, or copies as much, as the policy allows."""
CAPPED = ("maximum_moves", "maximum_gib")
"""The keys of `limits` that end a plan."""


def cut_by_limits(plan: Plan) -> str:
    """That *plan* stops at limits of its policy, and what stays undone for it; "" where nothing does.

    A plan is cut where VMs that may move stay on a host above its threshold, or in what stays broken, because one move
    more would exceed a limit.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> capped = model.what_if(rb.scenarios.policy({"limits.maximum_moves": 2}))
        >>> rb.plan.cut_by_limits(rb.rebalance(capped, seconds=0.1)).partition(":")[0]
        'limits.maximum_moves = 2 cut the plan'
    """
    staying = sum(each.kind == "vm" and each.rule == LIMITS for each in plan.left_alone)
    broken = sum(not each.mended and f"[{LIMITS}]" in each.why_not for each in plan.old_violations)
    told = [
        *([f"{counted(staying, 'VM')} on hosts above their threshold"] if staying else []),
        *([counted(broken, "breach", "breaches")] if broken else []),
    ]
    if not told:
        return ""
    limits = plan.policy.limits
    given = [f"limits.{key} = {value:g}" for key in CAPPED if (value := getattr(limits, key)) is not None]
    return f"{' and '.join(given)} cut the plan: for now it leaves {' and '.join(told)}"
