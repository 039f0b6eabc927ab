"""The tiers that repair: rules that are broken are kept, and failures that the pool does not outlive now are outlived.

Of rules only those who weigh on what is broken move, as long as that is enough.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebalancer.objectives import MigrationCost
from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.model.cp_sat import Effort
from rebalancer.solve.model.objective_terms import goal_of
from rebalancer.solve.model.tier import HeldTier, Progress, TierAnswer, TierProblem, placement_of
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.full_model import improve_full_model, search_lazily

MOST_WANTED = 128
"""Failures that one model is asked to mend: each brings variables and rows of its own."""
SPARE_SHARE = 0.5
"""Part of the work for mending failures; a quarter of it again goes into reaching as much with fewer GiB."""


def improve_repair(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The fewest breaches, reached with few GiB."""
    broken = any(limit.broken for limit in tier.instance.breakable_limits)
    if not broken and not any(group.apart for group in tier.instance.breakable_groups):
        return TierAnswer(at=start, goal=goal_of(()), value=0, bound=0)
    scope = Scope(free=tier.instance.legal & _concerned(tier.instance)[:, None], at=start)
    half = replace(effort, deterministic=effort.deterministic / 2, gap=0.0)
    model, goal, answer = search_lazily(tier, scope, start, half)
    value = model.value(goal, start) if answer.at is None else answer.value
    found = TierAnswer(
        at=start if answer.at is None else answer.at,
        goal=goal,
        value=value,
        bound=min(value, max(0, goal.offset)),
        deterministic=answer.deterministic,
        on_time=answer.on_time,
    )
    if not found.proved:
        found = improve_full_model(tier, found.at, replace(effort, deterministic=effort.deterministic / 2), progress)
    if found.at is None:
        return found
    scope = replace(scope, at=np.where(scope.free.any(axis=1), scope.at, found.at))
    at = _with_fewer_gib(tier, scope, found.at, found.value, effort)
    # Where repairs ran out of work, the search for fewer GiB may have kept more rules on its way.
    value = min(found.value, tier.evaluate(at)[1])
    return replace(found, at=at, value=value, bound=min(value, found.bound))


def improve_spare_hosts(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The fewest failures lost; what is outlived there stays so in later tiers, failure by failure."""
    failures = tier.instance.failures
    failures.wanted[:] = failures.unmet(placement_of(tier.instance, start))[:MOST_WANTED]
    share = replace(effort, deterministic=effort.deterministic * SPARE_SHARE, gap=0.0)
    found = improve_full_model(tier, start, share, progress)
    at = start if found.at is None else _with_fewer_gib(tier, tier.whole(), found.at, found.value, share)
    placement = placement_of(tier.instance, at)
    lost = len(failures.unmet(placement))
    failures.keep(placement)
    return replace(found, at=at, goal=goal_of(()), value=lost, bound=min(lost, max(0, found.bound)))


def _with_fewer_gib(tier: TierProblem, scope: Scope, at: Ints, value: int, effort: Effort) -> Ints:
    """A placement as good as *value* with fewer GiB than *at*, if one is found: a better start for later tiers."""
    cheap = replace(tier, objective=MigrationCost(), held=(*tier.held, HeldTier(objective=tier.objective, value=value)))
    quarter = replace(effort, deterministic=effort.deterministic / 4, gap=0.0)
    answer = search_lazily(cheap, scope, at, quarter)[2]
    return at if answer.at is None else answer.at


def _concerned(instance: Instance) -> Bools:
    found = np.zeros(len(instance.units), dtype=np.bool_)
    for limit in instance.breakable_limits:
        if limit.broken:
            found |= limit.covers(instance.home) & (instance.families[limit.family].resident > 0)
    for group in instance.breakable_groups:
        if group.apart:
            found[group.units] = True
    return found
