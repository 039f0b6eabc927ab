"""Fewest hosts: one host after another is emptied onto those that stay in use, and a bound says when that must end."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import floor
from operator import mul

import numpy as np

from rebalancer.objectives import LoadCost
from rebalancer.objectives.load import demand_of
from rebalancer.solve.instance.evaluate import (
    UNLIMITED,
    holds,
    load_of,
    overload_limits,
    uppers_from,
    uppers_of,
    weights_of,
)
from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.model.cp_sat import search
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.occupancy import occupied_anyway
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.full_model import improve_full_model
from rebalancer.solve.search.neighbourhood import free_among

NEIGHBOURHOOD_WORK = 0.5
"""Deterministic seconds for the question whether one host can be emptied."""

RECEIVERS = 6
"""Hosts that the VMs of the emptied one may go to, and whose own VMs may change places."""

PACKING_WORK = 2e-6
"""Work for each unit of a pool in which one host is emptied by packing."""

SHARE_OF_EMPTYING = 0.25
"""Part of the work for emptying hosts; the rest raises the bound of the whole model."""

COUNTED = "the memory and load that the largest hosts have room for"


def consolidate(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The fewest hosts in use found within *effort*, never more than in *start*, and the best bound known."""
    emptying = _Emptying(tier, start, effort, progress)
    at = emptying.run()
    floor = fewest_hosts(tier)
    if emptying.value <= floor:
        goal, value = tier.evaluate(at)[0], emptying.value
        return TierAnswer(
            at=at,
            goal=goal,
            value=value,
            bound=value,
            deterministic=emptying.work,
            on_time=emptying.on_time,
            bound_by=COUNTED,
        )
    whole = improve_full_model(tier, at, effort.of(effort.deterministic - emptying.work), progress)
    spent, on_time = whole.deterministic + emptying.work, whole.on_time and emptying.on_time
    whole = replace(whole, deterministic=spent, on_time=on_time)
    return whole if floor <= whole.bound else replace(whole, bound=min(whole.value, floor), bound_by=COUNTED)


class _Emptying:
    def __init__(self, tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> None:
        self._tier, self._instance, self._progress = tier, tier.instance, progress
        self._at, self.work = start, 0.0
        self._most = effort.deterministic * SHARE_OF_EMPTYING
        self._until, self.on_time = effort.until, True
        self._random = np.random.default_rng(effort.seed)
        always = tier.instance.problem.pool.coordinators
        self._sure = occupied_anyway(tier.instance, always)
        self._tried = Counter[int]()

    @property
    def value(self) -> int:
        return int(self._in_use().sum())

    def run(self) -> Ints:
        for host in self._by_weight():
            packed = self._packed(host)
            self.work += PACKING_WORK * len(self._at)
            if packed is not None and self._tier.allows(packed) and holds(self._instance, packed):
                self._at = packed
        while self.work < self._most and not self._until.passed:
            # Other receivers each time a host is tried: once where all are asked at once.
            tries = 1 if self.value <= RECEIVERS + 1 else 3
            left = [host for host in self._by_weight() if self._tried[host] < tries]
            if not left:
                break
            self._resolve(min(left, key=self._tried.__getitem__))
        return self._at

    def _in_use(self) -> Bools:
        used: Bools = self._sure.copy()
        used[self._at] = True
        return used

    def _by_weight(self) -> list[int]:
        free = np.flatnonzero(self._in_use() & ~self._sure)
        weights = weights_of(self._instance, self._at).sum(axis=0) if self._instance.families else np.zeros(len(free))
        return sorted(free.tolist(), key=lambda host: (int(weights[host]), host))

    def _packed(self, host: int) -> Ints | None:
        packing = _Packing(self._instance, self._at, closed=host, in_use=self._in_use())
        units = np.flatnonzero(self._at == host)
        order = sorted(units.tolist(), key=lambda unit: -int(packing.size[unit]))
        return packing.at if all(packing.place(unit) for unit in order) else None

    def _resolve(self, host: int) -> None:
        """Ask CP-SAT whether *host* can be emptied onto some others, whose VMs may change places, too."""
        self._tried[host] += 1
        others = np.flatnonzero(self._in_use() & (np.arange(len(self._sure)) != host))
        chosen = self._random.choice(others, size=min(len(others), RECEIVERS), replace=False)
        hosts = np.append(chosen, host)
        inside = np.flatnonzero(np.isin(self._at, hosts))
        free = free_among(self._instance, self._at, inside, hosts)
        model, goal = self._tier.model(Scope(free=free, at=self._at))
        model.hint(self._at)
        answer = search(model, goal, Effort.quick(NEIGHBOURHOOD_WORK, until=self._until, seed=1))
        self.work += answer.deterministic
        self.on_time = self.on_time and answer.on_time
        if answer.at is not None and answer.value < self.value and self._tier.outlives(answer.at):
            self._at = answer.at
            self._progress(float(self.value), 0.0)


class _Packing:
    def __init__(self, instance: Instance, at: Ints, *, closed: int, in_use: Bools) -> None:
        self._instance, self.at = instance, at.copy()
        self._open = in_use & (np.arange(len(in_use)) != closed)
        self._load, self._limits = load_of(instance, at), overload_limits(instance)
        self._held = weights_of(instance, at)
        self._upper = uppers_from(instance, self._held)
        self._arrival = np.array([family.arrival for family in instance.families]).reshape(-1, len(at))
        self._resident = np.array([family.resident for family in instance.families]).reshape(-1, len(at))
        self._demand = instance.demand + instance.deviations.of_units(len(at))
        self.size = self._arrival.sum(axis=0) + instance.demand.sum(axis=1)

    def place(self, unit: int) -> bool:
        weights = np.where(
            np.arange(len(self._open)) == self._instance.home[unit],
            self._resident[:, unit : unit + 1],
            self._arrival[:, unit : unit + 1],
        )
        fits = (self._held + weights <= self._upper).all(axis=0)
        # With its peak on top of the worst that are there: that is no less than what it will be.
        cool = (self._load + self._demand[unit] <= self._limits).all(axis=1)
        possible = np.flatnonzero(self._open & self._instance.legal[unit] & fits & cool)
        if not len(possible):
            return False
        room = np.where(self._upper < UNLIMITED, self._upper - self._held, 0).sum(axis=0)
        target = int(possible[np.argmin(room[possible])])
        self._held[:, target] += weights[:, target]
        self._load[target] += self._demand[unit]
        self.at[unit] = target
        return True


def fewest_hosts(tier: TierProblem) -> int:
    """Hosts without which what has to be somewhere finds no room, however it is divided: a bound for every placement.

    Hosts that are in use anyway come first, then those with the most room. For each limit of memory the least that each
    unit can weigh has to fit; for each slot the load, less the overload that earlier tiers leave.
    """
    instance = tier.instance
    always = instance.problem.pool.coordinators
    sure = occupied_anyway(instance, always)
    needs = [*_memory_needs(instance), *_load_needs(tier)]
    return max((_counted(sure, room, need) for room, need in needs), default=int(sure.sum()))


def _counted(sure: Bools, room: Ints, need: int) -> int:
    missing = need - int(np.maximum(room[sure], 0).sum())
    covered = np.cumsum(-np.sort(-np.maximum(room[~sure], 0)))
    return int(sure.sum()) + (int(np.searchsorted(covered, missing)) + 1 if missing > 0 else 0)


def _memory_needs(instance: Instance) -> list[tuple[Ints, int]]:
    """For each family whose limits cover every host: the room of the hosts, and what the units weigh at least."""
    # A limit that is broken now may stay so, with as much as is there now.
    upper = uppers_of(instance, [replace(each, most=max(each.most, each.start)) for each in instance.limits])
    return [
        (upper[number] - family.fixed, int(np.minimum(family.resident, family.arrival).sum()))
        for number, family in enumerate(instance.families)
        if (upper[number] < UNLIMITED).all()
    ]


def _load_needs(tier: TierProblem) -> list[tuple[Ints, int]]:
    """For each slot: the room below the threshold, and the load that is not overload by an earlier tier's leave."""
    instance = tier.instance
    held = next((each for each in tier.held if isinstance(each.objective, LoadCost)), None)
    if held is None:
        return []
    model = PlacementModel(instance, tier.at(instance.home))
    goal = model.goal(held.objective)
    parts = (held.value + goal.shortfall) * goal.worth * instance.resolution.parts_per_pcpu
    hours = demand_of(instance.problem).hours
    room = overload_limits(instance)[:, : len(hours)] - instance.base[:, : len(hours)]
    parts -= sum(map(mul, hours, np.maximum(-room, 0).sum(axis=0).tolist()), start=Fraction(0))
    demand = instance.demand[:, : len(hours)].sum(axis=0).tolist()
    return [(room[:, slot], each - floor(parts / hours[slot])) for slot, each in enumerate(demand)]
