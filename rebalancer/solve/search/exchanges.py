"""Exchanges: two units of two hosts change places, where the load of no other shift pays.

On hosts that are all hot no single unit finds room, but a large one may change with a small one. What an exchange gains
is at most its gain by the slopes of the costs, which are convex: so only the most promising pairs are weighed exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancer.solve.instance.evaluate import (
    LoadLevels,
    bound_elsewhere,
    holds,
    load_of,
    uppers_from,
    weights_of,
)
from rebalancer.solve.instance.instance import Bools, Floats, Ints
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search.local_search import WEIGHING_WORK, Descent

MOST_EXCHANGES = 2000
WEIGHED_PAIRS = 64
"""Pairs of a host that are weighed exactly: those that gain most by the slopes."""
EXCHANGE_WORK = 2e-4
"""The work of an exchange, besides what is weighed for it."""
LEAST_GAIN = 1e-6
"""What an exchange has to gain, in the unit of the levels, lest rounding sends two units to and fro."""


def exchanged(tier: TierProblem, start: Ints, levels: LoadLevels, *, most: float, toll: Floats | None) -> Descent:
    """*start* after exchanges that lower what load costs by *levels* and what units pay by *toll*; within *most* work.

    It is *start* itself where VMs peak, where disks may find no room, or where the answer violates something.
    """
    instance = tier.instance
    if instance.deviations.budget or instance.disks.tight:
        return Descent(at=start, work=0.0)
    exchanging = _Exchanges(tier, start, levels, toll)
    for _ in range(MOST_EXCHANGES):
        if exchanging.work >= most or not exchanging.step():
            break
    allowed = tier.allows(exchanging.at) and holds(instance, exchanging.at)
    return Descent(at=exchanging.at if allowed else start, work=exchanging.work)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pairs:
    """Units of one host, and with whom each changes places, shape (pairs,); and the most that each pair gains."""

    units: Ints
    partners: Ints
    gains: Floats


class _Exchanges:
    def __init__(self, tier: TierProblem, start: Ints, levels: LoadLevels, toll: Floats | None) -> None:
        instance = tier.instance
        self._instance, self._levels, self.at, self.work = instance, levels, start.copy(), 0.0
        self._toll = np.zeros(instance.legal.shape) if toll is None else toll
        self._load = load_of(instance, start)
        self._held = weights_of(instance, start)
        self._upper = uppers_from(instance, self._held)
        self._resident = np.array([family.resident for family in instance.families]).reshape(-1, len(start))
        self._arrival = np.array([family.arrival for family in instance.families]).reshape(-1, len(start))
        self._free = ~bound_elsewhere(instance)
        self._capped = tier.capped
        self._slopes = instance.demand @ levels.slopes(self._load).T
        self.work += WEIGHING_WORK * instance.demand.size * len(self._load)

    def step(self) -> bool:
        """Make the best exchange of the host that costs most and has one; False where none has."""
        cost = self._levels.cost(self._load, np.arange(len(self._load)))
        hot = (int(host) for host in np.argsort(-cost, kind="stable") if cost[host] > 0)
        return any(self._relieve(host, cost) for host in hot)

    def _relieve(self, host: int, cost: Floats) -> bool:
        pairs = self._promising(host)
        if not len(pairs.units):
            return False
        gains = self._weighed(host, pairs, cost)
        for best in np.argsort(-gains, kind="stable"):
            if gains[best] <= LEAST_GAIN:
                return False
            if self._within_caps(int(pairs.units[best]), int(pairs.partners[best])):
                self._exchange(int(pairs.units[best]), int(pairs.partners[best]))
                return True
        return False

    def _promising(self, host: int) -> _Pairs:
        """The pairs of *host* that the rules allow and that gain most by the slopes, which is never too little."""
        units = np.flatnonzero((self.at == host) & self._free)
        others = np.flatnonzero((self.at != host) & self._free & self._instance.legal[:, host])
        hosts = self.at[others]
        leaving = self._slopes[units, host, None] - self._slopes[units][:, hosts] - self._pays(units)[:, hosts]
        coming = self._slopes[others, hosts] - self._slopes[others, host] - self._pays(others)[:, host]
        most = leaving + coming
        most[~self._instance.legal[units][:, hosts]] = 0
        self.work += EXCHANGE_WORK + WEIGHING_WORK * most.size
        rows, columns = np.unravel_index(_highest(most.ravel(), 4 * WEIGHED_PAIRS), most.shape)
        fits = self._fits(units[rows], others[columns])
        rows, columns = rows[fits][:WEIGHED_PAIRS], columns[fits][:WEIGHED_PAIRS]
        return _Pairs(units=units[rows], partners=others[columns], gains=most[rows, columns])

    def _pays(self, units: Ints) -> Floats:
        """What each of *units* pays on each host more than where it is."""
        more: Floats = self._toll[units] - self._toll[units, self.at[units]][:, None]
        return more

    def _fits(self, units: Ints, partners: Ints) -> Bools:
        """Whether both hosts of each pair hold what comes, for all limits."""
        here, there = self.at[units], self.at[partners]
        return self._keeps(units, partners, here) & self._keeps(partners, units, there)

    def _keeps(self, leaving: Ints, coming: Ints, hosts: Ints) -> Bools:
        more = self._weight(coming, hosts) - self._weight(leaving, hosts)
        fits = (more <= 0) | (self._held[:, hosts] + more <= self._upper[:, hosts])
        kept: Bools = np.logical_and.reduce(fits, axis=0)
        return kept

    def _weight(self, units: Ints, hosts: Ints) -> Ints:
        at_home = self._instance.home[units] == hosts
        weight: Ints = np.where(at_home, self._resident[:, units], self._arrival[:, units])
        return weight

    def _weighed(self, host: int, pairs: _Pairs, cost: Floats) -> Floats:
        """What each of *pairs* gains."""
        demand, hosts = self._instance.demand, self.at[pairs.partners]
        less = demand[pairs.units] - demand[pairs.partners]
        self.work += WEIGHING_WORK * 2 * less.size
        after = self._levels.cost(self._load[host] - less, host) + self._levels.cost(self._load[hosts] + less, hosts)
        paid = self._pays(pairs.units)[np.arange(len(hosts)), hosts] + self._pays(pairs.partners)[:, host]
        gains: Floats = cost[host] + cost[hosts] - after - paid
        return gains

    def _within_caps(self, unit: int, partner: int) -> bool:
        """Whether moves and bytes stay within what the policy limits them to."""
        if not self._capped:
            return True
        at = self._swapped(unit, partner)
        return all(int(price.at(at).sum()) <= upper for price, upper in self._capped)

    def _swapped(self, unit: int, partner: int) -> Ints:
        at = self.at.copy()
        at[[unit, partner]] = at[[partner, unit]]
        return at

    def _exchange(self, unit: int, partner: int) -> None:
        demand, pair = self._instance.demand, np.array([unit, partner])
        for leaving, coming in ((pair[:1], pair[1:]), (pair[1:], pair[:1])):
            host = self.at[leaving]
            self._held[:, host] += self._weight(coming, host) - self._weight(leaving, host)
            self._load[host] += demand[coming] - demand[leaving]
        hosts = self.at[pair]
        self.at = self._swapped(unit, partner)
        self._slopes[:, hosts] = demand @ self._levels.slopes(self._load)[hosts].T
        self.work += WEIGHING_WORK * 2 * demand.size


def _highest(gains: Floats, most: int) -> Ints:
    """The places of the highest *gains* that count, the highest first, *most* of them; of equals the first ones."""
    places = np.flatnonzero(gains > LEAST_GAIN)
    if len(places) > most:
        least = np.partition(gains[places], -most)[-most]
        places = places[gains[places] >= least]
    return places[np.argsort(-gains[places], kind="stable")][:most]
