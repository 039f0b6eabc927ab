"""The worst peaks of a host in the model, in whole numbers and without enumerating who peaks.

The sum of the k largest of some numbers is the least of k * t + the sum of what each is above t, over all t (Bertsimas
and Sim, The Price of Robustness, 2004); it is reached where t is the k-th largest, a whole number where they are whole.
So one variable t and one excess for each VM state it exactly, as long as less is better.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rebalancer.objectives.load import largest
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.variables import Assignment

Rows = tuple[list[int], list[int], int]
"""Variables, coefficients, and what is counted already of their sum."""


@dataclass(slots=True, kw_only=True, eq=False)
class Peaks:
    """Peaks on a host in a slot.

    Args:
        budget: how many count.
        pairs: the pair that brings each VM that may come, shape (VMs,).
        deviations: how far each of them peaks, shape (VMs,).
        staying: the same of the worst that are there anyway, largest first, shape (budget at most,).
    """

    budget: int
    pairs: Ints
    deviations: Ints
    staying: Ints
    _seen: Ints | None = field(default=None)
    _worst: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def at_most(self) -> int:
        """What they add at most to what is there anyway."""
        return int(self._of(np.append(self.staying, self.deviations)).sum() - self.staying.sum())

    def added(self, chosen: Ints) -> int:
        """What the VMs of the *chosen* pairs add to what is there anyway."""
        return int(self._of_chosen(chosen).sum() - self.staying.sum()) if self.budget else 0

    def post(self, model: Assignment) -> Rows:
        """The sum of the worst, as variables of *model*; those that stay are counted already."""
        if not self.budget or not len(self.deviations):
            return [], [], 0
        sure = int(self.staying.sum())
        if len(self.deviations) + len(self.staying) <= self.budget:
            return self.pairs.tolist(), self.deviations.tolist(), 0
        top = model.whole_number(int(self._of(np.append(self.staying, self.deviations))[-1]), self._smallest)
        above = model.whole_numbers([*self.staying.tolist(), *self.deviations.tolist()], self._above)
        for excess, deviation in zip(above, self.staying.tolist(), strict=False):
            model.writer.at_most([top, excess], [-1, -1], -deviation)
        coming = zip(above[len(self.staying) :], self.deviations.tolist(), self.pairs.tolist(), strict=True)
        for excess, deviation, pair in coming:
            model.writer.at_most([pair, top, excess], [deviation, -1, -1], 0)
        return [top, *above], [self.budget, *[1] * len(above)], sure

    def _above(self, chosen: Ints) -> list[int]:
        """How far those that stay, and those that may come and do, peak above the smallest of the worst."""
        there = np.append(self.staying, np.where(chosen[self.pairs] > 0, self.deviations, 0))
        above: list[int] = np.maximum(there - self._smallest(chosen), 0).tolist()
        return above

    def _smallest(self, chosen: Ints) -> int:
        """The smallest of the worst; 0 where fewer are there than count."""
        worst = self._of_chosen(chosen)
        return int(worst[-1]) if len(worst) == self.budget else 0

    def _of_chosen(self, chosen: Ints) -> Ints:
        """The worst of those that stay and those of the *chosen* pairs, cached for the last choice."""
        if self._seen is not chosen:
            self._seen = chosen
            self._worst = self._of(np.append(self.staying, self.deviations[chosen[self.pairs] > 0]))
        return self._worst

    def _of(self, deviations: Ints) -> Ints:
        return largest(deviations[:, None], self.budget)[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HostPeaks:
    """Peaks on a host in all slots: as `Peaks`, a column a slot; `most` is what is added at most, shape (slots,)."""

    budget: int
    pairs: Ints
    deviations: Ints
    staying: Ints
    most: Ints

    def in_slot(self, slot: int) -> Peaks:
        """Those of one slot, above what the last of those that stay and count peaks: nobody below it ever counts."""
        if not self.budget:
            return NO_PEAKS
        staying, deviations = self.staying[:, slot], self.deviations[:, slot]
        if len(staying) == self.budget:
            staying, deviations = staying - staying[-1], deviations - staying[-1]
        pairs, deviations = self.pairs[deviations > 0], deviations[deviations > 0]
        return Peaks(budget=self.budget, pairs=pairs, deviations=deviations, staying=staying[staying > 0])


NOBODY = np.zeros(0, dtype=np.int64)
NO_PEAKS = Peaks(budget=0, pairs=NOBODY, deviations=NOBODY, staying=NOBODY)


def peaks_on(model: Assignment, host: int, pairs: Ints) -> HostPeaks:
    """The peaks of whoever *pairs* bring to *host*, and of whoever is there anyway."""
    deviations = model.instance.deviations
    if not deviations.budget:
        nothing = np.zeros((0, model.load.shape[1]), dtype=np.int64)
        return HostPeaks(budget=0, pairs=NOBODY, deviations=nothing, staying=nothing, most=nothing.sum(axis=0))
    pair_of = np.full(len(model.constant), -1, dtype=np.int64)
    pair_of[model.units[pairs]] = pairs
    coming = pair_of[deviations.unit] >= 0
    staying = deviations.worst_on(host, np.flatnonzero(model.constant & (model.scope.at == host)))
    mine = deviations.parts[coming]
    most = largest(np.vstack([staying, mine]), deviations.budget).sum(axis=0) - staying.sum(axis=0)
    pairs, budget = pair_of[deviations.unit[coming]], deviations.budget
    return HostPeaks(budget=budget, pairs=pairs, deviations=mine, staying=staying, most=most)


def surely_added(model: Assignment) -> Ints:
    """What the worst peaks of those that are there anyway add, shape (hosts, slots)."""
    deviations, constant, at = model.instance.deviations, model.constant, model.scope.at
    if not deviations.budget:
        return np.zeros_like(model.load)
    nowhere = np.where(constant, at, -1)
    return deviations.worst(nowhere)
