"""Whether the results of tiers are true under the conditions that they name, by brute force over tiny pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rebalancer.objectives import OBJECTIVES, LowerPeak, Objective, Peak
from rebalancer.placement import Placement
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.instance import instance_of
from rebalancer.tier import HeldTo, TierResult
from tests.solve.tiny import accepted_by_checker

NOISE = 1e-6
"""Plans keep six digits, and what is held is a sum of floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A tier and the least that brute force finds among the placements that it speaks of."""

    tier: TierResult
    least: float


def judged(problem: Problem, tiers: Sequence[TierResult]) -> list[Judged]:
    """Each of *tiers*, with the least value among all legal placements that keep its condition and the limits."""
    book = Rulebook.of(problem)
    known = {each.id: each for each in OBJECTIVES} | {each.id: each for each in _peaks(book)}
    allowed = accepted(problem)
    return [
        Judged(tier=tier, least=min(_kept(known[tier.objective], tier.held, known, allowed, book))) for tier in tiers
    ]


def _peaks(book: Rulebook) -> tuple[Objective, ...]:
    """Of hosts that nobody can leave the peak does not count."""
    instance = instance_of(book)
    fixable = frozenset(instance.hosts[host] for host in instance.home.tolist())
    return Peak(fixable), LowerPeak(fixable)


def accepted(problem: Problem) -> list[Placement]:
    """All that rules and limits accept; in mode evacuate without those that leave somebody on a host to be emptied."""
    book = Rulebook.of(problem)
    return [goal for goal in _accepted(problem) if _within_limits(goal, book)]


def _accepted(problem: Problem) -> Iterator[Placement]:
    vms = list(problem.initial)
    barred = problem.intent.empty.keys() if problem.policy.mode is Mode.EVACUATE else set()
    for hosts in accepted_by_checker(problem):
        if barred.isdisjoint(hosts):
            yield Placement(dict(zip(vms, hosts, strict=True)))


def _within_limits(goal: Placement, book: Rulebook) -> bool:
    limits, values = book.problem.policy.limits, {each.id: each for each in OBJECTIVES}
    moves, gib = (values[name].value(goal, book) for name in ("moves", "migration-cost"))
    few = limits.maximum_moves is None or moves <= limits.maximum_moves
    return few and (limits.maximum_gib is None or gib <= limits.maximum_gib + NOISE)


def _kept(
    objective: Objective,
    held: Sequence[HeldTo],
    known: dict[str, Objective],
    goals: Sequence[Placement],
    book: Rulebook,
) -> Iterator[float]:
    for goal in goals:
        if all(known[each.objective].value(goal, book) <= each.most + NOISE for each in held):
            yield objective.value(goal, book)


def assert_true(problem: Problem, tiers: Sequence[TierResult]) -> None:
    """No bound is above what brute force finds under its condition, no answer below, and what is proved is it."""
    for each in judged(problem, tiers):
        tier, least = each.tier, each.least
        assert tier.bound <= least + NOISE, (tier, least)
        assert tier.after >= least - NOISE, (tier, least)
        if tier.proved:
            assert abs(tier.after - least) <= 1e-3 * max(1.0, least), (tier, least)
