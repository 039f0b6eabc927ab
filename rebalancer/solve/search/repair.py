"""The tiers that repair: rules that are broken are kept, and failures that the pool does not outlive now are outlived.

Of rules only those who weigh on what is broken move, as long as that is enough.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebalancer.objectives import MigrationCost
from rebalancer.solve.instance.evaluate import exceeds
from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.objective_terms import goal_of
from rebalancer.solve.model.tier import HeldTier, Progress, TierAnswer, TierProblem, placement_of
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.breach_bound import fewest_breaches
from rebalancer.solve.search.cooling import cooled
from rebalancer.solve.search.full_model import improve_full_model, search_lazily

CONCERNED_SHARE, WHOLE_SHARE, CHEAPER_SHARE = 0.5, 0.35, 0.15
"""Parts of the work for mending with those who weigh on what is broken, with everybody, and for fewer GiB."""

MOST_WANTED = 128
"""Failures that one model is asked to mend: each brings variables and rows of its own."""
SPARE_SHARE = 0.5
"""Part of the work for mending failures; a part of it again goes into reaching as much with fewer GiB."""


def improve_repair(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The fewest breaches, reached with few GiB."""
    broken = any(limit.broken for limit in tier.instance.breakable_limits)
    if not broken and not any(group.apart for group in tier.instance.breakable_groups):
        return TierAnswer(at=start, goal=goal_of(()), value=0, bound=0)
    descent = cooled(tier, start, most=effort.deterministic)
    start, effort = descent.at, effort.of(effort.deterministic - descent.work)
    goal, value = tier.evaluate(start)
    if value == 0:
        return TierAnswer(at=start, goal=goal, value=0, bound=0, deterministic=descent.work)
    scope = Scope(free=tier.instance.legal & _concerned(tier.instance, start)[:, None], at=start)
    floor = fewest_breaches(tier.instance).total
    bounded = replace(tier, floor=floor)
    model, goal, answer = search_lazily(bounded, scope, start, replace(effort.part(CONCERNED_SHARE), gap=0.0))
    value = model.value(goal, start) if answer.at is None else answer.value
    found = TierAnswer(
        at=start if answer.at is None else answer.at,
        goal=goal,
        value=value,
        bound=min(value, max(floor, goal.offset)),
        deterministic=answer.deterministic + descent.work,
        on_time=answer.on_time,
        enough=False,
    )
    if not found.proved:
        whole = improve_full_model(bounded, found.at, effort.part(WHOLE_SHARE), progress)
        found = replace(whole, deterministic=whole.deterministic + found.deterministic)
    if found.at is None:
        return found
    scope = replace(scope, at=np.where(scope.free.any(axis=1), scope.at, found.at))
    return _with_fewer_gib(tier, scope, found.at, found, effort.part(CHEAPER_SHARE))


def improve_spare_hosts(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The fewest failures lost; what is outlived there stays so in later tiers, failure by failure."""
    failures = tier.instance.failures
    failures.wanted[:] = failures.unmet(placement_of(tier.instance, start))[:MOST_WANTED]
    share = replace(effort, deterministic=effort.deterministic * SPARE_SHARE, gap=0.0)
    found = improve_full_model(tier, start, share, progress)
    if found.at is not None:
        found = _with_fewer_gib(tier, tier.whole(), found.at, found, share.part(CHEAPER_SHARE))
    at = start if found.at is None else found.at
    placement = placement_of(tier.instance, at)
    lost = len(failures.unmet(placement))
    failures.keep(placement)
    return replace(found, at=at, goal=goal_of(()), value=lost, bound=min(lost, max(0, found.bound)))


def _with_fewer_gib(tier: TierProblem, scope: Scope, at: Ints, found: TierAnswer, effort: Effort) -> TierAnswer:
    """*found*, which is *at*, with fewer GiB, if there are such: a better start for later tiers."""
    reached = HeldTier(objective=tier.objective, value=found.value)
    cheap = replace(tier, objective=MigrationCost(), held=(*tier.held, reached))
    answer = search_lazily(cheap, scope, at, replace(effort, gap=0.0))[2]
    at = at if answer.at is None else answer.at
    # Where repairs ran out of work, the search for fewer GiB may have kept more rules on its way.
    value = min(found.value, tier.evaluate(at)[1])
    return replace(
        found,
        at=at,
        value=value,
        bound=min(value, found.bound),
        deterministic=found.deterministic + answer.deterministic,
        on_time=found.on_time and answer.on_time,
    )


def _concerned(instance: Instance, at: Ints) -> Bools:
    """Units that weigh now on what is broken now, and not mended yet where the units are *at*, shape (units,)."""
    found = np.zeros(len(instance.units), dtype=np.bool_)
    for limit in instance.breakable_limits:
        if limit.broken and exceeds(instance, limit, at):
            found |= limit.covers(instance.home) & (instance.families[limit.family].resident > 0)
    for group in instance.breakable_groups:
        if group.apart:
            found[group.units] = True
    return found
