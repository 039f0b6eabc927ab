"""A first answer to all tiers, found quickly: what the search has in hand whenever the clock ends it.

Whoever has to leave a host goes anywhere; what is broken is mended limit by limit; then come single shifts that relieve
overload. It takes work, never the clock, so that there is one on the busiest machine, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rebalancer.objectives import MigrationCost, Objective, Repair
from rebalancer.solve.instance.evaluate import exceeds
from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.instance.rows import Limit
from rebalancer.solve.model.cp_sat import SolverAnswer, search
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.tier import TierProblem, held_at
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.cooling import cooled
from rebalancer.solve.search.descent import relieved
from rebalancer.solve.search.full_model import search_lazily
from rebalancer.solve.search.lns import is_about_load

SHARE = 0.1
"""Part of all work for the first answer."""
LEAST = 0.2
"""Work that it may take however little there is."""
MENDING_WORK = 0.05
"""Work for a few units that weigh on one limit; the same again for fewer GiB."""
MOST_UNITS = 40
"""Units that are placed anew at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstAnswer:
    """The host of every unit, None where none was found, and the work that it took."""

    at: Ints | None
    work: float


def first_answer(tier: TierProblem, objectives: Sequence[Objective], start: Ints | None, effort: Effort) -> FirstAnswer:
    """A placement that has little of each of *objectives*, the first one first.

    Args:
        tier: what holds from the beginning.
        objectives: what is to be improved, in order.
        start: a placement that the rules allow; None where some unit has to leave its host.
        effort: its work is all there is, of which this takes a share.
    """
    answering = _Answering(tier, max(LEAST, effort.deterministic * SHARE), effort.seed)
    return FirstAnswer(at=answering.run(objectives, start), work=answering.work)


class _Answering:
    def __init__(self, tier: TierProblem, most: float, seed: int) -> None:
        self._tier, self._most, self._seed, self.work = tier, most, seed, 0.0

    def run(self, objectives: Sequence[Objective], start: Ints | None) -> Ints | None:
        at = self._placed() if start is None else start
        if at is None:
            return None
        for objective in objectives:
            tier = replace(self._tier, objective=objective)
            at = self._improved(tier, at)
            self._tier = replace(tier, held=(*tier.held, held_at(tier.instance, objective, at)))
        return at

    def _improved(self, tier: TierProblem, at: Ints) -> Ints:
        if isinstance(tier.objective, Repair):
            return self._mended(tier, at)
        if not is_about_load(tier) or not tier.instance.units:
            return at
        descent = relieved(tier, at, most=self._most - self.work)
        self.work += descent.work
        return descent.at

    def _placed(self) -> Ints | None:
        """Those who have to leave on any hosts that the rules allow; everybody may move where that is not enough."""
        instance = self._tier.instance
        must = ~instance.legal[np.arange(len(instance.units)), instance.home]
        narrow = Scope(free=instance.legal & must[:, None], at=instance.home)
        tier = replace(self._tier, objective=MigrationCost())
        for scope in (narrow, tier.whole()):
            answer = search_lazily(tier, scope, None, self._effort(self._most / 2))[2]
            self.work += answer.deterministic
            if answer.at is not None:
                return answer.at
        return None

    def _mended(self, tier: TierProblem, at: Ints) -> Ints:
        descent = cooled(tier, at, most=self._most)
        at = descent.at
        self.work += descent.work
        for limit, units in _together(tier.instance):
            if self.work >= self._most:
                break
            if limit is not None and not exceeds(tier.instance, limit, at):
                continue
            free = np.zeros_like(tier.instance.legal)
            free[units] = tier.instance.legal[units]
            at = self._better(tier, free, at)
        return at

    def _better(self, tier: TierProblem, free: Bools, at: Ints) -> Ints:
        """*at* with the *free* pairs chosen anew, as few breaches as can be and then as few GiB."""
        before = tier.evaluate(at)[1]
        answer = self._search(tier, free, at, most=before)
        if answer.at is None or answer.value >= before or not tier.outlives(answer.at):
            return at
        mended = held_at(tier.instance, tier.objective, answer.at)
        cheap = replace(tier, objective=MigrationCost(), held=(*tier.held, mended))
        cheaper = self._search(cheap, free, answer.at, most=None)
        return answer.at if cheaper.at is None or not tier.outlives(cheaper.at) else cheaper.at

    def _search(self, tier: TierProblem, free: Bools, at: Ints, *, most: int | None) -> SolverAnswer:
        model, goal = tier.model(Scope(free=free, at=at))
        model.hint(at)
        if most is not None:
            model.hold(goal, most)
        answer = search(model, goal, self._effort(MENDING_WORK))
        self.work += answer.deterministic
        return answer

    def _effort(self, work: float) -> Effort:
        return Effort.quick(work, seed=self._seed)


def _together(instance: Instance) -> Iterator[tuple[Limit | None, Ints]]:
    """Units that weigh on one broken limit, or are apart though they belong together, a few at a time."""
    for limit in instance.breakable_limits:
        if limit.broken:
            units = np.flatnonzero(limit.covers(instance.home) & (instance.families[limit.family].resident > 0))
            parts = np.array_split(units, -(-len(units) // MOST_UNITS)) if len(units) else ()
            yield from ((limit, part) for part in parts)
    for group in instance.breakable_groups:
        if group.apart and len(group.units):
            yield None, group.units
