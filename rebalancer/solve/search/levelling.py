"""Levelling the load of many hosts: shifts that are worth what they pay, then hosts a few at a time, then the bound.

The whole model finds little in large pools, because every host and slot has a row. So full hosts are re-solved together
with those that have most room; what every host would pay by itself bounds the sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rebalancer.objectives import Level
from rebalancer.objectives.levelling import exchanged
from rebalancer.objectives.load import slot_hours
from rebalancer.objectives.spread import even_share
from rebalancer.solve.instance.evaluate import LevelsOfOne, LoadLevels, load_levels, load_of
from rebalancer.solve.instance.instance import Bools, Floats, Instance, Ints
from rebalancer.solve.instance.tolls import outlay_of_units
from rebalancer.solve.model.cp_sat import search
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.full_model import improve_full_model
from rebalancer.solve.search.local_search import local_search
from rebalancer.solve.search.neighbourhood import free_among
from rebalancer.solve.search.per_host_bound import Alone, bound_of_every_host

SMALL_PAIRS = 400
"""Pairs of unit and host up to which the whole model is searched at once."""
SHARE = 0.6
"""Part of the work for shifts and neighbourhoods; the rest raises the bound of the whole model."""
NEIGHBOURHOOD_WORK, CHOOSING_WORK = 0.1, 0.02
HOSTS = 4
"""Hosts of a neighbourhood: half of them full ones."""
STALLED = 40
"""Neighbourhoods in a row without improvement before the search ends."""
HEAVY = 1e4
"""How much more load cost counts than an uneven load where shifts are looked for: it may not get worse."""


def improve_levelling(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The best placement found within *effort*, never worse than *start*, with the better of two bounds."""
    if int(tier.instance.legal.sum()) <= SMALL_PAIRS:
        return improve_full_model(tier, start, effort, progress)
    goal = tier.evaluate(start)[0]
    alone = bound_of_every_host(tier.optimistic(), effort)
    searching = _Levelling(tier, start, effort.of(effort.deterministic * SHARE - alone.work))
    at = searching.run(goal.number(alone.bound))
    left = effort.of(effort.deterministic - searching.work - alone.work)
    answer = improve_full_model(tier, at, left, progress)
    spent = answer.deterministic + searching.work + alone.work
    answer = replace(answer, deterministic=spent, on_time=answer.on_time and searching.on_time)
    return _with_bound(answer, alone)


def _with_bound(answer: TierAnswer, alone: Alone) -> TierAnswer:
    number = answer.goal.number(alone.bound)
    if float(number * answer.goal.worth) <= answer.true_bound:
        return answer
    return replace(answer, bound=min(answer.value, number), bound_holds=True, bound_by=alone.words)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvenLevels:
    """What an uneven load costs: parts of a pCPU above an even share, and load cost far more."""

    even: LevelsOfOne
    load: LoadLevels

    def cost(self, load: Ints, hosts: int | Ints) -> Floats:
        """What *load* of shape (loads, columns) costs on one of *hosts* each, shape (loads,)."""
        return self.even.cost(load, hosts) + HEAVY * self.load.cost(load, hosts)

    def slopes(self, load: Ints) -> Floats:
        """What a part more costs on each host in each column at *load*, both of shape (hosts, columns)."""
        return LoadLevels(resources=(self.even,)).slopes(load) + HEAVY * self.load.slopes(load)


def even_levels(instance: Instance) -> EvenLevels:
    """The even share of every host and slot in the numbers of *instance*."""
    limits = instance.resolution.limit_parts(even_share(instance.problem)[instance.columns])[None]
    columns, hours = slice(0, limits.shape[-1]), slot_hours(instance.problem)
    even = LevelsOfOne(columns=columns, limits=limits, steps=np.ones(1), hours=hours)
    return EvenLevels(even=even, load=load_levels(instance))


def spread_tolls(instance: Instance) -> Floats:
    """What each unit pays on each host, in parts of a pCPU-hour of spread, shape (units, hosts)."""
    level = instance.problem.policy.objective.level
    worth = float(exchanged(instance.problem, level) * instance.resolution.parts_per_pcpu)
    priced: Floats = outlay_of_units(instance) * worth
    return priced


class _Levelling:
    def __init__(self, tier: TierProblem, start: Ints, effort: Effort) -> None:
        self._tier, self._instance, self._effort = tier, tier.instance, effort
        self._levels, self._random = even_levels(tier.instance), np.random.default_rng(effort.seed)
        self.at, self.work, self.on_time = start, 0.0, True
        self._value = tier.evaluate(start)[1]

    def run(self, bound: int) -> Ints:
        """Shifts where they may be paid for, then neighbourhoods until they bring nothing or *bound* is met."""
        if isinstance(self._tier.objective, Level):
            self._descend()
        fruitless = 0
        while fruitless < STALLED and self.work < self._effort.deterministic and self._value > bound:
            if self._effort.until.passed:
                self.on_time = False
                break
            fruitless = 0 if self._resolve() else fruitless + 1
        return self.at

    def _descend(self) -> None:
        most = self._effort.deterministic / 2
        descent = local_search(self._tier, self.at, self._levels, most=most, toll=spread_tolls(self._instance))
        self.work += descent.work
        self._keep(descent.at)

    def _resolve(self) -> bool:
        model, goal = self._tier.model(Scope(free=self._free(), at=self.at))
        model.hint(self.at)
        model.hold(goal, model.value(goal, self.at))
        seed = int(self._random.integers(2**31))
        answer = search(model, goal, Effort.quick(NEIGHBOURHOOD_WORK, until=self._effort.until, seed=seed))
        self.work += answer.deterministic + CHOOSING_WORK
        self.on_time = self.on_time and answer.on_time
        return answer.at is not None and self._tier.outlives(answer.at) and self._keep(answer.at)

    def _free(self) -> Bools:
        """The units of some full hosts, and of some that have room, on any of these."""
        excess = self._levels.even.cost(load_of(self._instance, self.at), np.arange(len(self._instance.hosts)))
        blurred = excess + self._random.normal(0.0, excess.std() + 1.0, len(excess))
        order = np.argsort(-blurred)
        hosts = np.unique(np.append(order[: HOSTS // 2], order[-(HOSTS - HOSTS // 2) :]))
        inside = np.flatnonzero(np.isin(self.at, hosts) | np.isin(self._instance.home, hosts))
        return free_among(self._instance, self.at, inside, hosts)

    def _keep(self, at: Ints) -> bool:
        """Whether *at* is better than what there was; kept also where it is as good."""
        value = self._tier.evaluate(at)[1]
        better = value < self._value
        if value <= self._value:
            self.at, self._value = at, value
        return better
