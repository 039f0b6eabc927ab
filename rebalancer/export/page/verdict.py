"""The verdict on a plan: what it does, how long that takes, how risky and how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rebalancer.describe.summary import busiest
from rebalancer.export.overview import risk_rows
from rebalancer.plan import Plan, TierResult
from rebalancer.plan.conditions import condition_of, gap_in_words, gap_is_told
from rebalancer.tier import BALANCE
from rebalancer.units import counted, duration_in_words, most_in_words, size_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanVerdict:
    """Sentences: what the plan comes to, how good it is and under which condition, and what is risky about it."""

    what: str
    good: str
    risky: str


def verdict(plan: Plan) -> PlanVerdict:
    """That on *plan*."""
    return PlanVerdict(what=plan.summary, good=_good(plan), risky=_risky(plan))


def main_tier(plan: Plan) -> int | None:
    """Which of the objectives people ask about: balance, else the first that changes, else the first."""
    numbers = range(len(plan.tiers))
    balance = [number for number in numbers if plan.tiers[number].objective == BALANCE]
    changed = [number for number in numbers if plan.tiers[number].before != plan.tiers[number].after]
    return next(iter((*balance, *changed, *numbers)), None)


def _good(plan: Plan) -> str:
    number = main_tier(plan)
    if number is None:
        return "How far it is from the best is not known: the plan names no objectives."
    tier, condition = plan.tiers[number], condition_of(plan.tiers, number, plan.policy)
    if not gap_is_told(tier, plan):
        return f"{tier.objective} comes to {tier.after:.4g} {tier.unit}; the best possible was told of the whole plan."
    end = f": {tier.after:.4g} {tier.unit}, and no placement that the rules allow is below {tier.bound:.4g}"
    words = (
        f"{tier.objective} is proved best" if tier.proved else f"{tier.objective} is within {tier.gap:.1%} of the best"
    )
    return f"{words}{end}{', among those with ' if condition else ''}{condition}."


def _risky(plan: Plan) -> str:
    return "; ".join(f"{what}: {how}" for what, how in risk_rows(plan)) + ("." if plan.steps else "Nothing is moved.")


def tiles(plan: Plan) -> Iterator[tuple[str, str, bool]]:
    """Figures that stand out, what each is, and whether it is a bad sign."""
    schedule, threshold = plan.schedule, plan.policy.objective.threshold
    yield f"{len(plan.steps)}", "step" if len(plan.steps) == 1 else "steps", False
    if plan.steps:
        yield size_in_words(sum(step.copied_bytes for step in plan.steps)), "to copy", False
        longest = f"at most {most_in_words(schedule.seconds_high)} if all are slow"
        yield duration_in_words(schedule.seconds), longest, False
    if plan.load:
        before, after = busiest(plan)
        yield f"{before:.0%} → {after:.0%}", "busiest host-hour", after > threshold and after >= before
    number = main_tier(plan)
    if number is not None and gap_is_told(plan.tiers[number], plan):
        yield f"{plan.tiers[number].gap:.1%}", f"gap of {plan.tiers[number].objective} to the best possible", False
    if plan.no_way_back:
        yield str(len(plan.no_way_back)), "VMs without a way back", True
    if plan.missing:
        yield str(len(plan.missing)), "moves that are missing", True


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRow:
    """An objective as the page tells it, its figures in words."""

    tier: TierResult
    before: str
    after: str
    bound: str
    gap: str
    best: str


def tiers_of(plan: Plan) -> tuple[TierRow, ...]:
    """The objectives of *plan*, in the order in which they count."""
    return tuple(
        TierRow(
            tier=tier,
            before=f"{tier.before:.4g}",
            after=f"{tier.after:.4g}",
            bound=f"{tier.bound:.4g}",
            gap=gap_in_words(tier, plan),
            best="yes" if tier.proved else "no",
        )
        for tier in plan.tiers
    )


def costs(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Overload and copying apart, before and after: an objective may be the sum of both."""
    states = [(row.before.overload_pcpu_hours, row.after.overload_pcpu_hours) for row in plan.hosts]
    known = [(before, after) for before, after in states if before is not None and after is not None]
    if known:
        before, after = (f"{sum(column):.4g} pCPU-hours" for column in zip(*known, strict=True))
        yield "overload: load above the threshold, over the hours of the profile", before, after
    size = size_in_words(sum(step.copied_bytes for step in plan.steps))
    moves = counted(len({step.vm for step in plan.steps}), "VM")
    yield "copying: memory and disks, once", "-", f"{size}, {moves}" if plan.steps else "-"
