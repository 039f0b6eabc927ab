"""The repair tier: only those who weigh on what is broken move, as long as that is enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebalancer.objectives import MigrationCost
from rebalancer.solve.instance.instance import Bools, Ints, Prepared
from rebalancer.solve.model.cp_sat import Effort
from rebalancer.solve.model.lazy_failures import search_lazily
from rebalancer.solve.model.objective_terms import goal_of
from rebalancer.solve.model.tier import Held, Improved, Progress, Stage
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.full_model import improve_whole


def improve_repair(stage: Stage, start: Ints, effort: Effort, progress: Progress) -> Improved:
    """The fewest breaches, reached with few GiB."""
    if not something_broken(stage.prepared):
        return Improved(at=start, goal=goal_of(()), value=0, bound=0)
    scope = Scope(free=stage.prepared.legal & _concerned(stage.prepared)[:, None], at=start)
    half = replace(effort, deterministic=effort.deterministic / 2, gap=0.0)
    model, goal, answer = search_lazily(stage, scope, start, half)
    value = model.value(goal, start) if answer.at is None else answer.value
    found = Improved(
        at=start if answer.at is None else answer.at,
        goal=goal,
        value=value,
        bound=min(value, max(0, goal.offset)),
        deterministic=answer.deterministic,
        on_time=answer.on_time,
    )
    if not found.proved:
        found = improve_whole(stage, found.at, replace(effort, deterministic=effort.deterministic / 2), progress)
    return _cheaper(stage, scope, found, effort)


def something_broken(prepared: Prepared) -> bool:
    """Whether a limit or a group, hard or soft, is broken tonight."""
    limits = any(limit.broken for limit in prepared.breakable_limits)
    return limits or any(group.apart for group in prepared.breakable_groups)


def _cheaper(stage: Stage, scope: Scope, found: Improved, effort: Effort) -> Improved:
    """As few breaches with fewer GiB, by those who weigh on what is broken: a better start for what follows."""
    if found.at is None:
        return found
    held = (*stage.held, Held(objective=stage.objective, value=found.value))
    cheap = replace(stage, objective=MigrationCost(), held=held)
    among = replace(scope, at=np.where(scope.free.any(axis=1), scope.at, found.at))
    quarter = replace(effort, deterministic=effort.deterministic / 4, gap=0.0)
    _, _, answer = search_lazily(cheap, among, found.at, quarter)
    return found if answer.at is None else replace(found, at=answer.at)


def _concerned(prepared: Prepared) -> Bools:
    """Units that weigh on a broken limit, or belong to a group that is apart, shape (units,)."""
    found = np.zeros(len(prepared.units), dtype=np.bool_)
    for limit in prepared.breakable_limits:
        if limit.broken:
            found |= limit.covers(prepared.home) & (prepared.families[limit.family].resident > 0)
    for group in prepared.breakable_groups:
        if group.apart:
            found[group.units] = True
    return found
