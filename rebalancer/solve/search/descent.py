"""Descent: shifts, and where they leave load that costs, exchanges, as long as either gains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebalancer.objectives import Balance
from rebalancer.solve.instance.evaluate import LoadLevels, load_levels, load_of
from rebalancer.solve.instance.instance import Floats, Ints
from rebalancer.solve.instance.tolls import tolls
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search.exchanges import exchanged
from rebalancer.solve.search.local_search import Descent, local_search

EXCHANGES_SHARE = 0.3
"""Part of the work that is left for a descent which exchanges may take."""


def relieved(tier: TierProblem, start: Ints, *, most: float, taste: Floats | None = None) -> Descent:
    """`local_search` by the levels of the policy, and where the objective counts what moves cost by its prices, too.

    Shifts that earn what they pay end early where it takes several to earn it, so those that only relieve are tried as
    well, with what is left of *most*: the better of both counts. Where that leaves load that costs, units change places
    in it, and in *start*, which single shifts lead away from: the best of all counts.
    """
    levels = load_levels(tier.instance)
    shifted = _shifted(tier, start, levels, most=most, taste=taste)
    if not (levels.cost(load_of(tier.instance, shifted.at), np.arange(len(tier.instance.hosts))) > 0).any():
        return shifted
    best, work = shifted.at, shifted.work
    for each in (shifted.at, start):
        allowed = EXCHANGES_SHARE * (most - work)
        changed = _settled(tier, each, levels, most=allowed, taste=taste)
        best, work = _better(tier, best, changed.at), work + changed.work
    return Descent(at=best, work=work)


def _shifted(tier: TierProblem, start: Ints, levels: LoadLevels, *, most: float, taste: Floats | None) -> Descent:
    if not isinstance(tier.objective, Balance):
        return local_search(tier, start, levels, most=most, taste=taste)
    paid = local_search(tier, start, levels, most=most, taste=taste, toll=tolls(tier.instance))
    free = local_search(tier, start, levels, most=most - paid.work, taste=taste)
    return replace(paid, at=_better(tier, paid.at, free.at), work=paid.work + free.work)


def _settled(tier: TierProblem, start: Ints, levels: LoadLevels, *, most: float, taste: Floats | None) -> Descent:
    """*start* after exchanges, then shifts, and so on until neither gains."""
    toll = tolls(tier.instance) if isinstance(tier.objective, Balance) else None
    at, work = start, 0.0
    while work < most:
        changed = exchanged(tier, at, levels, most=most - work, toll=toll)
        work += changed.work
        if (changed.at == at).all():
            break
        moved = local_search(tier, changed.at, levels, most=most - work, taste=taste, toll=toll)
        at, work = moved.at, work + moved.work
    return Descent(at=at, work=work)


def _better(tier: TierProblem, one: Ints, other: Ints) -> Ints:
    return other if tier.evaluate(other)[1] < tier.evaluate(one)[1] else one
