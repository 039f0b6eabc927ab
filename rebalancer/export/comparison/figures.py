"""What two plans come to, as rows with cells for each: objectives, time, copying, risks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rebalancer.export.overview import risk_rows
from rebalancer.export.page.verdict import costs
from rebalancer.plan import Plan, TierResult
from rebalancer.plan.conditions import gap_in_words
from rebalancer.units import interval_in_words, moment_in_words, size_in_words

NONE = "-"
"""In the cell of a plan that has no such figure."""
FIGURE_COLUMNS = ("what", "first", "second")
TIER_COLUMNS = ("objective", "first>", "no plan is below>", "gap>", "second>", "no plan is below>", "gap>", "unit")


def tier_rows(plans: Sequence[Plan]) -> list[tuple[str, ...]]:
    """Each objective of either plan, with the cells of `TIER_COLUMNS`."""
    units = {tier.objective: tier.unit for plan in plans for tier in plan.tiers}
    return [(name, *(cell for plan in plans for cell in _tier(plan, name)), unit) for name, unit in units.items()]


def _tier(plan: Plan, name: str) -> tuple[str, str, str]:
    """From now to after, the bound, the gap."""
    tier = next((tier for tier in plan.tiers if tier.objective == name), None)
    if tier is None:
        return NONE, NONE, NONE
    return _course(tier), f"{tier.bound:.4g}", "proved best" if tier.proved else gap_in_words(tier, plan)


def _course(tier: TierResult) -> str:
    return f"{tier.before:.4g} → {tier.after:.4g}"


def figure_rows(plans: Sequence[Plan]) -> list[tuple[str, ...]]:
    """Every figure of either plan that is no objective and of no host, with the cells of `FIGURE_COLUMNS`."""
    found = [dict(_figures(plan)) for plan in plans]
    return _side_by_side(found)


def risks_of(plans: Sequence[Plan]) -> list[tuple[str, ...]]:
    """Every risk of either plan, with the cells of `FIGURE_COLUMNS`."""
    return _side_by_side([dict(risk_rows(plan)) for plan in plans])


def _side_by_side(found: Sequence[Mapping[str, str]]) -> list[tuple[str, ...]]:
    names = dict.fromkeys(name for each in found for name in each)
    return [(name, *(each.get(name, NONE) for each in found)) for name in names]


def _figures(plan: Plan) -> Iterator[tuple[str, str]]:
    schedule, zone = plan.schedule, plan.policy.timezone
    yield "steps", str(len(plan.steps))
    yield "VMs that move", str(len({step.vm for step in plan.steps}))
    if plan.steps:
        yield "takes", interval_in_words(schedule.seconds_low, schedule.seconds, schedule.seconds_high)
    yield "to copy", size_in_words(sum(step.copied_bytes for step in plan.steps))
    for what, before, after in costs(plan):
        if before != NONE:
            yield what.partition(":")[0], f"{before} → {after}"
    yield "moves that are missing", str(len(plan.missing))
    yield "outcome", plan.outcome
    yield "policy", plan.made_from.policy.name
    yield "made", moment_in_words(plan.made_at, zone)
    yield "expires", moment_in_words(plan.expires_at, zone)
