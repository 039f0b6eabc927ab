"""The bound of every host by itself, and of the pool as a whole where it is hot.

By itself, a host has to pay for what leaves it and for the load that stays, had the others all the room. Where the pool
as a whole has more load than its hosts have room for below a level, that much is above it wherever VMs go: there the
pool pays for the level, and the hosts by themselves only for the levels above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from operator import mul

import numpy as np

from rebalancer.objectives import Balance, Levels, LoadCost, Repair, levels_of
from rebalancer.objectives.load import counted_hosts
from rebalancer.solve.instance.evaluate import load_of, overload_limits
from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.instance.rows import Limit
from rebalancer.solve.model.cp_sat import Status, search
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.objective_terms import goal_of
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.model.violation_rows import breaches_above
from rebalancer.solve.search.breach_bound import breaches_of, fewest_breaches
from rebalancer.solve.search.components import restricted

WORK = 0.5
"""Deterministic seconds for one host; most take a hundredth."""
EVERY_HOST = "what every host has to shed by itself"
HOT_POOL = "what the pool as a whole has too much of, and what every host has to shed above that"
MOST_BREACHES = 3
"""A host that leaves so many breaches pays no more than with as many as it may leave."""
SHARE = 0.1
"""Part of all work for all hosts together; those that it does not reach are bounded by 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """A bound in the objective's unit, the work that it took, where it comes from, and the units that leave for it."""

    bound: Fraction
    work: float
    words: str = EVERY_HOST
    leavers: tuple[int, ...] = ()


def per_host_bound(tier: TierProblem, effort: Effort) -> Alone:
    """What no placement is better than, in the objective's unit: the sum of what every host has to pay by itself.

    What VMs cost that leave is paid by the host that they leave, overload by the host that has it. Who arrives only
    adds to that, so the sum holds for all hosts together.

    Args:
        tier: loads rounded down; only repairs may be held, for what else is held is shared by all hosts.
        effort: of its work this takes a share.
    """
    instance = tier.instance
    if len(instance.hosts) == 1 or not all(isinstance(held.objective, Repair) for held in tier.held):
        return Alone(bound=Fraction(0), work=0.0)
    alone = _sum_of_hosts(tier, None, effort.part(SHARE))
    pool = pool_cost(instance) if isinstance(tier.objective, Balance | LoadCost) else None
    if pool is None or not pool.levels.any():
        return alone
    higher = _sum_of_hosts(tier, pool.levels, effort.part(SHARE))
    hosts, together = alone.bound, pool.cost + higher.bound
    if together <= hosts:
        return replace(alone, work=alone.work + higher.work)
    return replace(higher, bound=together, work=alone.work + higher.work, words=HOT_POOL)


def bound_of_every_host(tier: TierProblem, effort: Effort) -> Alone:
    """The same where a host need not be hot to pay, as for an even load; what is held is left out, which lowers it.

    Args:
        tier: loads rounded down.
        effort: of its work this takes a share.
    """
    free = replace(tier, held=())
    return _sum_of_hosts(free, None, effort.part(SHARE), np.ones(len(tier.instance.hosts), dtype=np.bool_))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolCost:
    """What load costs wherever VMs are: by how many levels of each column, shape (columns,), and how much."""

    levels: Ints
    cost: Fraction


def pool_cost(instance: Instance) -> PoolCost:
    """What the load that stays on the hosts whose load counts costs there, spread as evenly as nobody can."""
    counted = counted_hosts(instance.problem)[instance.columns]
    staying = ~instance.legal[:, ~counted].any(axis=1) & counted[instance.home]
    load = instance.base[counted].sum(axis=0) + instance.demand[staying].sum(axis=0)
    costs = [_spread_evenly(instance, each, load, counted) for each in levels_of(instance.problem)]
    together = sum((each.cost for each in costs), start=Fraction(0))
    return PoolCost(levels=np.concatenate([each.levels for each in costs]), cost=together)


def _spread_evenly(instance: Instance, levels: Levels, load: Ints, counted: Bools) -> PoolCost:
    """What *load* (columns,) of the resource with these *levels* costs on the *counted* hosts together."""
    limits = instance.resolution.limit_parts(levels.limits[:, instance.columns][:, counted])
    over = np.maximum(load[None, levels.columns] - limits.sum(axis=1), 0)
    rows = zip(levels.steps, over.tolist(), strict=True)
    cost = sum((step * each for step, row in rows for each in map(mul, levels.hours, row)), start=Fraction(0))
    return PoolCost(levels=(over > 0).sum(axis=0), cost=cost / instance.resolution.parts_per_pcpu)


def _sum_of_hosts(tier: TierProblem, paid: Ints | None, effort: Effort, those: Bools | None = None) -> Alone:
    """What *those* hosts, or all hot ones, pay by themselves, but for the lowest levels *paid* in each slot."""
    hosts = HostCosts(tier, replace(tier.whole(), paid=paid), effort)
    costs = [hosts.costs(int(host)) for host in np.flatnonzero(hot(tier.instance) if those is None else those)]
    leavers = tuple(sorted(each for found in hosts.leavers.values() for each in found))
    return Alone(bound=_cheapest(costs, hosts.breaches), work=hosts.work, leavers=leavers)


def hot(instance: Instance) -> Bools:
    """The hosts that have something to shed: load, VMs that have to leave, or what is broken."""
    hot: Bools = np.any(load_of(instance, instance.home) > overload_limits(instance), axis=1)
    hot[instance.home[~instance.legal[np.arange(len(instance.home)), instance.home]]] = True
    hot[[limit.hosts[0] for limit in instance.breakable_limits if len(limit.hosts) == 1]] = True
    return hot


def _cheapest(costs: Sequence[Sequence[Fraction | None]], breaches: int) -> Fraction:
    """The least sum of one of the *costs* of each host, by how much stays broken there, *breaches* in all at most."""
    least: dict[int, Fraction] = {0: Fraction(0)}
    for each in costs:
        summed: dict[int, Fraction] = {}
        for (there, paid), (here, cost) in product(least.items(), enumerate(each)):
            if cost is not None and there + here <= breaches:
                summed[there + here] = min(paid + cost, summed.get(there + here, paid + cost))
        least = summed
    return min(least.values(), default=Fraction(0))


class HostCosts:
    """What hosts pay by themselves, the less the more they may leave broken, until the work is used up.

    `leavers` are the units that each host sheds for it, `constants` what is part of its cost wherever units go, in the
    objective's unit.
    """

    def __init__(self, tier: TierProblem, counted: Scope, effort: Effort) -> None:
        """What load counts is what the scope *counted* says: where, and above which levels."""
        self._tier, self._counted, self._effort, self.work = tier, counted, effort, 0.0
        self.leavers: dict[int, list[int]] = {}
        self.constants: dict[int, Fraction] = {}
        self.breaches = min((held.value for held in tier.held), default=0)
        fewest = fewest_breaches(tier.instance)
        spare = self.breaches - fewest.total
        self._most = {family: count + spare for family, count in fewest.families.items()}

    def costs(self, host: int) -> list[Fraction | None]:
        """What *host* pays where it leaves nothing broken, one breach, two ...; the last holds for all above it.

        None where it cannot but leave more broken.
        """
        allowed = self._allowed(host)
        most = min(self.breaches, sum(allowed))
        found = [self._cost(host, allowed, each) for each in range(min(most, MOST_BREACHES))]
        return [*found, self._cost(host, allowed, most) or Fraction(0)]

    def _allowed(self, host: int) -> list[int]:
        """What each limit of *host* may leave broken: no more than its family may, nor than is broken now."""
        limits = _of(host, self._tier.instance.breakable_limits)
        return [min(self._most[limit.family], breaches_of(limit, limit.start)) for limit in limits]

    def _cost(self, host: int, allowed: Sequence[int], breaches: int) -> Fraction | None:
        """A bound on what *host* pays; 0 where no work is left, None where it cannot but leave more broken."""
        left = self._effort.deterministic - self.work
        if left <= 0 or self._effort.until.passed:
            return Fraction(0)
        part = _with_a_way_out(self._tier.instance, host)
        held = tuple(replace(each, value=breaches) for each in self._tier.held)
        alone = replace(self._tier, instance=part, held=held, forbidden=())
        here = (
            np.ones_like(part.base[0], dtype=np.bool_) if self._counted.watched is None else self._counted.watched[host]
        )
        watched = np.array([here, np.zeros_like(here)])
        scope = replace(self._counted, free=part.legal, at=part.home, watched=watched)
        model, goal = alone.model(scope)
        self.constants[host] = goal.offset * goal.worth
        for limit, most in zip(part.breakable_limits, allowed, strict=True) if held else ():
            model.hold(goal_of((breaches_above(model, limit),)), most)
        answer = search(model, goal, replace(self._effort, deterministic=min(WORK, left)))
        self.work += answer.deterministic
        if answer.at is not None and host not in self.leavers:
            self.leavers[host] = np.flatnonzero(self._tier.instance.home == host)[answer.at == 1].tolist()
        return None if answer.status is Status.IMPOSSIBLE else answer.bound * goal.worth


def _with_a_way_out(instance: Instance, host: int) -> Instance:
    """*host* with what is on it now, and one place without limits for all that can leave it."""
    units = np.flatnonzero(instance.home == host)
    elsewhere = 0 if host else len(instance.hosts) - 1
    alone = replace(
        instance,
        limits=_of(host, instance.limits),
        soft_limits=_of(host, instance.soft_limits),
        groups=(),
        soft_groups=(),
        disks=replace(instance.disks, tight={}),
    )
    part = restricted(alone, np.array([host, elsewhere]), units)
    others = instance.legal[units]
    others[:, host] = False
    return replace(
        part,
        legal=np.column_stack([instance.legal[units, host], others.any(axis=1)]),
        moves=replace(part.moves, extra=_least_extra(instance.moves.extra[units], others)),
        copied=replace(part.copied, extra=_least_extra(instance.copied.extra[units], others)),
    )


def _least_extra(extra: Ints, others: Bools) -> Ints:
    """What the cheapest of the *others* costs each unit on top, shape (units, 2); home comes first, for nothing."""
    least = np.where(others, extra, extra.max(initial=0)).min(axis=1)
    return np.column_stack([np.zeros_like(least), least])


def _of(host: int, limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    return tuple(replace(each, hosts=np.array([0])) for each in limits if each.hosts.tolist() == [host])
