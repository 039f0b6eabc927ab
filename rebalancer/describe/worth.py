"""What another end than the solver's is worth: its own objectives, and whether it is better than no plan at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rebalancer.describe.figures import DECIMALS
from rebalancer.objectives import OBJECTIVES, Balance, Peak
from rebalancer.placement import Placement
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.tier import TierResult


def tiers_at(end: Placement, tiers: Sequence[TierResult], problem: Problem) -> tuple[TierResult, ...]:
    """*tiers* of another placement as they come out where the VMs end at *end*.

    A bound holds while every tier before it comes out as it did; after that none is known but 0. The peak is left out:
    which hosts count for it only the solver knows.
    """
    return tuple(_tiers(end, [tier for tier in tiers if tier.objective != Peak.id], problem))


def _tiers(end: Placement, tiers: Sequence[TierResult], problem: Problem) -> Iterator[TierResult]:
    """One after another, as long as they are held and after."""
    held = True
    for tier in tiers:
        objective = next(each for each in OBJECTIVES if each.id == tier.objective)
        after = round(objective.value(end, problem), DECIMALS)
        same = held and after == tier.after
        yield replace(tier, after=after, bound=min(tier.bound, after) if held else 0.0, proved=same and tier.proved)
        held = same


def rank(end: Placement, tiers: Sequence[TierResult], problem: Problem) -> tuple[float, ...]:
    """What ends are compared by, smaller is better: VMs left on hosts that are evacuated, then the objectives."""
    return (_left(end, problem), *(tier.after for tier in tiers))


def is_worth_it(end: Placement, tiers: Sequence[TierResult], problem: Problem) -> bool:
    """Whether *end* is better than staying, and by as much as the policy asks for."""
    before = (_left(problem.initial, problem), *(tier.before for tier in tiers))
    better = rank(end, tiers, problem) < before
    gained = next((tier for tier, was in zip(tiers, before[1:], strict=True) if tier.after != was), None)
    if better and gained and gained.objective == Balance.id:
        return gained.before - gained.after >= problem.policy.limits.minimum_gain_pcpu_hours
    return better


def _left(end: Placement, problem: Problem) -> float:
    """VMs on hosts that the mode is to evacuate; in other modes they are among the repairs."""
    if problem.policy.mode is not Mode.EVACUATE:
        return 0.0
    return float(sum(host in problem.intent.empty for host in end.host_of.values()))
