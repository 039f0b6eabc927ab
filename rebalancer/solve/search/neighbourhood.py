"""Neighbourhoods that are worth re-solving while the rest stays: around some hosts, some VMs, or some sources.

Hosts are linked along the moves that are already made, so that moves can be exchanged, shortened and taken back; all
units on them are free to go to any of them. VMs are free to go anywhere: half of them moved ones, half from the hosts
that moves touch. Sources are hosts that much leaves: units that are or were on them are free to go anywhere, and so are
some moved VMs, so that others leave and room is made anew. Each kind finds what the others cannot. Sizes follow
success: what is solved to proof was too small, what is not was too large.
"""

from __future__ import annotations

import numpy as np

from rebalancer.solve.instance.evaluate import load_of
from rebalancer.solve.instance.instance import Bools, Floats, Instance, Ints

FEWEST_UNITS = 16.0
FIRST_UNITS = 30.0
"""Units that a neighbourhood has at first; one around hosts has a tenth as many hosts, three at least."""

GROWTH, SHRINKAGE = 1.05, 0.9

RECEIVERS = 32
"""Hosts that freed VMs may go to; with more, reading the model takes longer than solving it."""

SHARE_OF_LINKS = 0.6
"""How often the next host is one that a move leads to, rather than any."""

SHARE_OF_MOVED = 0.6
"""Moved VMs beside those of the sources, as a share of the size."""


class Neighbourhoods:
    """Chooses what is solved next; *limits* are parts of a unit above which load is overload (hosts, columns)."""

    def __init__(self, instance: Instance, limits: Ints, random: np.random.Generator) -> None:
        self._instance, self._limits, self._random = instance, limits, random
        self._kinds = (self._around_hosts, self._around_units, self._around_sources)
        self._sizes, self._kind = [FIRST_UNITS] * len(self._kinds), 0

    def choose(self, at: Ints) -> Bools:
        """The pairs to choose from, shape (units, hosts); rows without any stay."""
        moved = np.flatnonzero(at != self._instance.home)
        self._kind = int(self._random.integers(len(self._kinds))) if len(moved) else 0
        free = self._kinds[self._kind](at, moved)
        free[free.sum(axis=1) == 1] = False
        return free

    def learn(self, *, proved: bool) -> None:
        """The last choice was solved to proof, or not."""
        size = self._sizes[self._kind] * (GROWTH if proved else SHRINKAGE)
        self._sizes[self._kind] = float(np.clip(size, FEWEST_UNITS, max(FEWEST_UNITS, len(self._instance.units))))

    @property
    def _size(self) -> int:
        return int(self._sizes[self._kind])

    def _around_hosts(self, at: Ints, moved: Ints) -> Bools:
        hosts = np.array(self._some_hosts(at, moved), dtype=np.int64)
        inside = np.flatnonzero(np.isin(at, hosts) | np.isin(self._instance.home, hosts))
        return free_among(self._instance, at, inside, hosts)

    def _some_hosts(self, at: Ints, moved: Ints) -> list[int]:
        count = min(len(self._instance.hosts), max(3, int(self._size / 10 + self._random.random())))
        room = self._limits - load_of(self._instance, at)
        excess = np.maximum(-room, 0).sum(axis=1).astype(np.float64)
        hot = np.flatnonzero(excess)
        if len(hot):
            return self._hot_with_cool(excess, hot, room.min(axis=1).astype(np.float64), count)
        return self._linked(at, moved, count)

    def _hot_with_cool(self, excess: Floats, hot: Ints, room: Floats, count: int) -> list[int]:
        some = min(len(hot), max(1, count // 3))
        chosen = self._random.choice(hot, size=some, replace=False, p=excess[hot] / excess[hot].sum()).tolist()
        blurred = room + self._random.normal(0.0, 1.0, len(room)) * room.std()
        cool = [host for host in np.argsort(-blurred).tolist() if host not in chosen]
        return [*chosen, *cool[: count - some]]

    def _linked(self, at: Ints, moved: Ints, count: int) -> list[int]:
        """The two hosts of a move, and of moves to or from these; now and then a random host."""
        home = self._instance.home
        chosen: dict[int, None] = {}
        if len(moved):
            copied = self._copied(at)[moved]
            first = self._random.choice(moved, p=copied / copied.sum())
            chosen = {int(at[first]): None, int(home[first]): None}
        while len(chosen) < count:
            inside = list(chosen)
            linked = moved[np.isin(at[moved], inside) != np.isin(home[moved], inside)]
            if len(linked) and self._random.random() < SHARE_OF_LINKS:
                unit = self._random.choice(linked)
                chosen |= {int(at[unit]): None, int(home[unit]): None}
            else:
                chosen[int(self._random.integers(len(self._instance.hosts)))] = None
        return list(chosen)

    def _copied(self, at: Ints) -> Floats:
        """Bytes that each unit away from home copies, 1 at least, shape (units,)."""
        return np.maximum(self._instance.copied.at(at), 1).astype(np.float64)

    def _around_units(self, at: Ints, moved: Ints) -> Bools:
        chosen = self._random.choice(moved, size=min(len(moved), self._size // 2), replace=False)
        hot = np.flatnonzero((load_of(self._instance, at) > self._limits).any(axis=1))
        touched = np.unique(np.concatenate([self._instance.home[chosen], at[chosen], hot]))
        others = np.flatnonzero(np.isin(at, touched) & (at == self._instance.home))
        more = min(len(others), self._size - len(chosen))
        chosen = np.append(chosen, self._random.choice(others, size=more, replace=False))
        return self._anywhere(at, chosen, touched[:0])

    def _around_sources(self, at: Ints, moved: Ints) -> Bools:
        sources = self._some_sources(at, moved)
        chosen = np.flatnonzero(np.isin(self._instance.home, sources) | np.isin(at, sources))
        more = min(len(moved), int(self._size * SHARE_OF_MOVED))
        chosen = np.union1d(chosen, self._random.choice(moved, size=more, replace=False))
        return self._anywhere(at, chosen, sources)

    def _some_sources(self, at: Ints, moved: Ints) -> Ints:
        """Hosts that much leaves, or that are overloaded, up to the size in units; now and then others."""
        home, count = self._instance.home, len(self._instance.hosts)
        leaving = np.bincount(home[moved], weights=self._copied(at)[moved], minlength=count)
        excess = np.maximum(load_of(self._instance, at) - self._limits, 0).sum(axis=1).astype(np.float64)
        weight = leaving / leaving.sum() + excess / max(1.0, excess.sum()) + 0.2 / count
        order = self._random.choice(count, size=count, replace=False, p=weight / weight.sum())
        units = np.cumsum(np.bincount(home, minlength=count)[order])
        return order[: 1 + int(np.searchsorted(units, self._size * (1 - SHARE_OF_MOVED / 2)))]

    def _anywhere(self, at: Ints, chosen: Ints, always: Ints) -> Bools:
        """The *chosen* units on any host, or on a sample where hosts are many; at home and where they are."""
        count = len(self._instance.hosts)
        receivers = self._random.choice(count, size=min(count, RECEIVERS), replace=False)
        free = np.zeros_like(self._instance.legal)
        free[np.ix_(chosen, np.union1d(receivers, always))] = True
        free[chosen, at[chosen]] = free[chosen, self._instance.home[chosen]] = True
        free[chosen] &= self._instance.legal[chosen]
        return free


def free_among(instance: Instance, at: Ints, units: Ints, hosts: Ints) -> Bools:
    """Pairs that let *units* go to any of *hosts*, or stay where they are, shape (units, hosts)."""
    free = np.zeros_like(instance.legal)
    free[np.ix_(units, hosts)] = instance.legal[np.ix_(units, hosts)]
    free[units, at[units]] = True
    return free
