"""The repair tier: only those who weigh on what is broken move, as long as that is enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebalancer.objectives import MigrationCost
from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.model.cp_sat import Effort
from rebalancer.solve.model.lazy_failures import search_lazily
from rebalancer.solve.model.objective_terms import goal_of
from rebalancer.solve.model.tier import HeldTier, Progress, TierAnswer, TierProblem
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.full_model import improve_full_model


def improve_repair(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The fewest breaches, reached with few GiB."""
    if not something_broken(tier.instance):
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
    return replace(found, at=with_fewer_gib(tier, scope, found.at, found.value, effort))


def something_broken(instance: Instance) -> bool:
    """Whether a limit or a group, hard or soft, is broken now."""
    limits = any(limit.broken for limit in instance.breakable_limits)
    return limits or any(group.apart for group in instance.breakable_groups)


def with_fewer_gib(tier: TierProblem, scope: Scope, at: Ints, value: int, effort: Effort) -> Ints:
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
