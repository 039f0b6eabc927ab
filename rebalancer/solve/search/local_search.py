"""Local search: the single shift that relieves most overload for each GiB, again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rebalancer.objectives.outlay import price_per_gib
from rebalancer.solve.instance.evaluate import (
    bound_elsewhere,
    holds,
    load_of,
    uppers_from,
    usual_load_of,
    weights_of,
)
from rebalancer.solve.instance.instance import Bools, Floats, Ints
from rebalancer.solve.instance.move_cost import MoveCost
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search.burdens import Burdens, ConvexCost
from rebalancer.units import GIB

MOST_SHIFTS = 5000
AT_ONCE = 256
"""Shifts that are weighed exactly at a time."""
MOST_GIB = 1 << 20
"""What a move costs in GiB at most: more than any shift copies, while thousands of them fit into 64 bits of bytes."""
SHIFT_WORK, WEIGHING_WORK = 1e-4, 1e-8
"""The work of a shift, and of each number that is weighed for it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Descent:
    """Where shifts led, and the work that they took."""

    at: Ints
    work: float


def local_search(
    tier: TierProblem,
    start: Ints,
    levels: ConvexCost,
    *,
    most: float,
    taste: Floats | None = None,
    toll: Floats | None = None,
) -> Descent:
    """*start* after shifts that lower what load costs by *levels*; *start* itself where they violate something.

    It takes *most* of work at most. *taste* are factors by which the score of each unit and host varies, and *toll* is
    what each unit pays on each host, in the unit of the levels: a shift has to gain more than it pays.
    """
    shape = tier.instance.legal.shape
    shifting = _LocalSearch(tier, start, levels, np.ones(shape) if taste is None else taste, toll)
    for _ in range(MOST_SHIFTS):
        if shifting.work >= most or not shifting.step():
            break
    allowed = tier.allows(shifting.at) and holds(tier.instance, shifting.at)
    return Descent(at=shifting.at if allowed else start, work=shifting.work)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shifts:
    """What shifts of some units to all hosts gain and pay, by pair; what they cost the new host is not part of it.

    Args:
        relief: what each unit relieves its host of, shape (units, hosts).
        paid: what it pays elsewhere more than where it is, shape (units, hosts).
        copied: bytes by which its gain is divided, shape (units, hosts).
        taste: factors of its score, shape (units, hosts).
        possible: whether the rules allow it, shape (units, hosts).
    """

    relief: Floats
    paid: Floats
    copied: Ints
    taste: Floats
    possible: Bools

    def scores(self, burden: Floats, where: tuple[Ints, Ints] | tuple[()] = ()) -> Floats:
        """What each shift, or those *where* it is asked, gains for a byte beside its *burden*; -1 where it does not."""
        gain = self.relief[where] - burden - self.paid[where]
        worth = self.taste[where] * gain / self.copied[where]
        found: Floats = np.where(self.possible[where] & (gain > 0), worth, -1.0)
        return found


class _LocalSearch:
    def __init__(
        self, tier: TierProblem, start: Ints, levels: ConvexCost, taste: Floats, toll: Floats | None = None
    ) -> None:
        instance = tier.instance
        self._taste, self._toll, self.work = taste, toll, 0.0
        self._instance, self._levels, self.at = instance, levels, start.copy()
        self._usual = usual_load_of(instance, start)
        # One array where there are no peaks: what is usual is all then.
        self._load = load_of(instance, start) if instance.deviations.budget else self._usual
        self._peaks, several = instance.deviations.of_single_units(len(instance.units))
        self._held = weights_of(instance, start)
        self._upper = uppers_from(instance, self._held)
        self._resident = np.array([family.resident for family in instance.families]).reshape(-1, len(start))
        self._arrival = np.array([family.arrival for family in instance.families]).reshape(-1, len(start))
        self._legal = instance.legal.copy()
        self._free = ~bound_elsewhere(instance) & ~several
        self._next_peak, self._last_peak = np.zeros((2, *self._load.shape), dtype=np.int64)
        self._burdens = Burdens(instance, levels, self._peaks)
        self._relief, self._outdated = np.zeros(len(start)), np.ones(len(instance.hosts), dtype=np.bool_)
        self._fits = np.empty(instance.legal.shape, dtype=np.bool_)
        self._weigh(np.arange(len(instance.hosts)))
        self._capped = tier.capped
        # Where load is limited, too, every slot is a family of its own.
        slots = instance.demand.shape[1]
        self._weighed = instance.demand.size * (2 if len(instance.families) > slots > 1 else 1)
        policy = instance.problem.policy
        move_gib = policy.objective.pcpu_hours_per_move / (price_per_gib(policy) or math.inf)
        self._move_bytes = int(min(move_gib, MOST_GIB) * GIB)

    def step(self) -> bool:
        units, relief = self._leavers()
        self.work += SHIFT_WORK + WEIGHING_WORK * (len(units) * len(self._load) + self._weighed)
        if not len(units):
            return False
        best = self._best(units, self._shifts(units, relief))
        if best is None:
            return False
        unit, target = best
        if self._has_room_for_disks(unit, target):
            self._shift(unit, target)
        else:
            self._legal[unit, target] = False
        return True

    def _shifts(self, units: Ints, relief: Floats) -> _Shifts:
        possible = self._may_join(units)
        copied = self._more(self._instance.copied, units)
        if self._move_bytes:
            copied = copied + self._move_bytes * self._more(self._instance.moves, units)
        for price, upper in self._capped:
            possible &= self._more(price, units) <= upper - price.at(self.at).sum()
        paid = np.broadcast_to(np.float64(0.0), possible.shape)
        if self._toll is not None:
            paid = self._toll[units] - self._toll[units, self.at[units]][:, None]
        # A shift that copies nothing more, such as the way home, counts as a MiB, so that the ratio is finite.
        return _Shifts(
            relief=np.broadcast_to(relief[:, None], possible.shape),
            paid=paid,
            copied=np.maximum(copied, 2**20),
            taste=self._taste[units],
            possible=possible,
        )

    def _best(self, units: Ints, shifts: _Shifts) -> tuple[int, int] | None:
        """The unit and host of the best of *shifts*; None where none gains.

        Burdens are no more than they seem, so that no shift is better than it seems: those that seem best are weighed
        exactly until one that is leads.
        """
        scores = shifts.scores(self._burdens.least[units])
        while (best := int(scores.argmax())) >= 0 and scores.flat[best] > 0:
            row, target = divmod(best, scores.shape[1])
            if self._burdens.exact[units[row], target]:
                return int(units[row]), target
            rows, hosts = _highest(np.where(self._burdens.exact[units], -1.0, scores))
            self._burdens.work_out(units[rows], hosts, self._load, self._last_peak)
            scores[rows, hosts] = shifts.scores(self._burdens.least[units[rows], hosts], (rows, hosts))
        return None

    def _leavers(self) -> tuple[Ints, Floats]:
        cost = self._levels.cost(self._load, np.arange(len(self._load)))
        units = np.flatnonzero((cost[self.at] > 0) & self._free)
        self._relieve(units[self._outdated[self.at[units]]], cost)
        self._outdated[cost > 0] = False
        relief = self._relief[units]
        return units[relief > 0], relief[relief > 0]

    def _relieve(self, units: Ints, cost: Floats) -> None:
        """Update what *units* relieve the hosts of that they are on, which *cost* so much."""
        hosts, less = self.at[units], self._instance.demand[units]
        if self._instance.deviations.budget:
            less = less + np.maximum(self._peaks[units] - self._next_peak[hosts], 0)
        self._relief[units] = cost[hosts] - self._levels.cost(self._load[hosts] - less, hosts)

    def _weigh(self, hosts: Ints) -> None:
        """Look anew at *hosts*, on which units or none have changed."""
        if self._instance.deviations.budget:
            for host in hosts.tolist():
                self._weigh_peaks(host)
        self._burdens.renew(hosts, self._load)
        self._outdated[hosts] = True
        for host in hosts.tolist():
            room = (self._upper - self._held)[:, host, None]
            self._fits[:, host] = ((self._arrival <= room) | (self._arrival == 0)).all(axis=0)

    def _weigh_peaks(self, host: int) -> None:
        """Update the peaks of *host*; a VM that comes adds what it peaks above the last of those that count, (slots,).

        One that leaves takes away what it peaks above the next, which counts from then on.
        """
        deviations = self._instance.deviations
        worst = np.zeros((deviations.budget + 1, self._load.shape[1]), dtype=np.int64)
        there = -np.sort(-deviations.on(host, np.flatnonzero(self.at == host)), axis=0)[: deviations.budget + 1]
        worst[: len(there)] = there
        self._load[host] = self._usual[host] + worst[:-1].sum(axis=0)
        self._next_peak[host], self._last_peak[host] = worst[-1], worst[-2]

    def _more(self, price: MoveCost, units: Ints) -> Ints:
        """What each shift costs on top of what is paid already, negative on the way home, shape (units, hosts)."""
        return price.on_hosts(units) - price.at(self.at)[units][:, None]

    def _may_join(self, units: Ints) -> Bools:
        possible: Bools = self._legal[units] & self._fits[units]
        possible[np.arange(len(units)), self.at[units]] = False
        return possible

    def _has_room_for_disks(self, unit: int, target: int) -> bool:
        disks = self._instance.disks
        if not disks.tight or not self._instance.copied.extra[unit].any():
            return True
        at = self.at.copy()
        at[unit] = target
        return disks.fit_at_once(self._instance.host_of(at))

    def _shift(self, unit: int, target: int) -> None:
        source, home = int(self.at[unit]), int(self._instance.home[unit])
        self.at[unit] = target
        for host, sign in ((source, -1), (target, 1)):
            weights = self._resident if host == home else self._arrival
            self._held[:, host] += sign * weights[:, unit]
            self._usual[host] += sign * self._instance.demand[unit]
        self._weigh(np.array([source, target]))


def _highest(scores: Floats) -> tuple[Ints, Ints]:
    """Rows and columns of the `AT_ONCE` highest *scores*, or of all that are above 0."""
    places = np.flatnonzero(scores > 0)
    if len(places) > AT_ONCE:
        places = places[np.argpartition(-scores.ravel()[places], AT_ONCE)[:AT_ONCE]]
    rows, columns = np.divmod(places, scores.shape[1])
    return rows, columns
