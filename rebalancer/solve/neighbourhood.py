"""Parts of the pool that are worth solving anew while the rest stays: some hosts, or some VMs.

Hosts are joined along the moves that are already made, so that moves can be exchanged, shortened and taken back; all
that is on them is free to go to any of them. VMs are free to go anywhere: half of them moved ones, half from the hosts
that moves touch. Each kind finds what the other cannot. Sizes follow success: what is solved to proof was too small,
what is not was too large.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rebalancer.solve.holdings import load_of
from rebalancer.solve.prepare import Bools, Ints, Prepared

FEWEST_HOSTS, FEWEST_UNITS = 3.0, 16.0

SHARE_OF_UNITS = 0.6
"""How often VMs are freed rather than hosts."""

RECEIVERS = 32
"""Hosts that freed VMs may go to; more make parts so large that reading them takes longer than solving them."""

SHARE_OF_LINKS = 0.6
"""How often the next host is one that a move leads to, rather than any."""

Floats = NDArray[np.float64]


class Neighbourhoods:
    """Chooses what is solved next.

    Args:
        prepared: the problem.
        limits: parts of a pCPU above which load is overload, shape (hosts,).
        cost: what moving each unit costs, shape (units,).
        random: of all choices.
    """

    def __init__(self, prepared: Prepared, limits: Ints, cost: Ints, random: np.random.Generator) -> None:
        self._prepared, self._limits, self._random = prepared, limits[:, None], random
        self._cost = np.maximum(cost, 1).astype(np.float64)
        self._hosts, self._units = 4.0, 40.0
        self._by_units = False

    def choose(self, at: Ints) -> Bools:
        """The pairs to choose from, shape (units, hosts); rows without any stay."""
        moved = np.flatnonzero(at != self._prepared.home)
        self._by_units = len(moved) > int(FEWEST_HOSTS) and self._random.random() < SHARE_OF_UNITS
        free = self._around_units(at, moved) if self._by_units else self._around_hosts(at, moved)
        free[free.sum(axis=1) == 1] = False
        return free

    def learn(self, *, proved: bool) -> None:
        """The last choice was solved to proof, or not."""
        if self._by_units:
            most = max(FEWEST_UNITS, len(self._prepared.units) / 2)
            self._units = float(np.clip(self._units * (1.15 if proved else 0.85), FEWEST_UNITS, most))
        else:
            most = max(FEWEST_HOSTS, len(self._prepared.hosts) / 2)
            self._hosts = float(np.clip(self._hosts + (0.3 if proved else -0.4), FEWEST_HOSTS, most))

    def _around_hosts(self, at: Ints, moved: Ints) -> Bools:
        """All that is on some hosts, or came from them, on any of them."""
        hosts = np.array(self._some_hosts(at, moved), dtype=np.int64)
        inside = np.flatnonzero(np.isin(at, hosts) | np.isin(self._prepared.home, hosts))
        free = np.zeros_like(self._prepared.legal)
        free[np.ix_(inside, hosts)] = self._prepared.legal[np.ix_(inside, hosts)]
        free[inside, at[inside]] = True
        return free

    def _some_hosts(self, at: Ints, moved: Ints) -> list[int]:
        """Hot hosts and hosts with room; where none is hot, hosts that moves join."""
        count = min(len(self._prepared.hosts), int(self._hosts + self._random.random()))
        room = self._limits - load_of(self._prepared, at)
        excess = np.maximum(-room, 0).sum(axis=1).astype(np.float64)
        hot = np.flatnonzero(excess)
        if len(hot):
            return self._hot_with_cool(excess, hot, room.min(axis=1).astype(np.float64), count)
        return self._linked(at, moved, count)

    def _hot_with_cool(self, excess: Floats, hot: Ints, room: Floats, count: int) -> list[int]:
        """A third of hot hosts, the rest with much room."""
        some = min(len(hot), max(1, count // 3))
        chosen = self._random.choice(hot, size=some, replace=False, p=excess[hot] / excess[hot].sum()).tolist()
        blurred = room + self._random.normal(0.0, 1.0, len(room)) * room.std()
        cool = [host for host in np.argsort(-blurred).tolist() if host not in chosen]
        return [*chosen, *cool[: count - some]]

    def _linked(self, at: Ints, moved: Ints, count: int) -> list[int]:
        """The two hosts of a move, and of moves that lead to or from them; now and then any host."""
        home = self._prepared.home
        chosen: dict[int, None] = {}
        if len(moved):
            first = self._random.choice(moved, p=self._cost[moved] / self._cost[moved].sum())
            chosen = {int(at[first]): None, int(home[first]): None}
        while len(chosen) < count:
            inside = list(chosen)
            linked = moved[np.isin(at[moved], inside) != np.isin(home[moved], inside)]
            if len(linked) and self._random.random() < SHARE_OF_LINKS:
                unit = self._random.choice(linked)
                chosen |= {int(at[unit]): None, int(home[unit]): None}
            else:
                chosen[int(self._random.integers(len(self._prepared.hosts)))] = None
        return list(chosen)

    def _around_units(self, at: Ints, moved: Ints) -> Bools:
        """Some moved units, and some that share a host with them or a hot one, anywhere."""
        wanted = int(self._units)
        chosen = self._random.choice(moved, size=min(len(moved), wanted // 2), replace=False)
        hot = np.flatnonzero((load_of(self._prepared, at) > self._limits).any(axis=1))
        touched = np.unique(np.concatenate([self._prepared.home[chosen], at[chosen], hot]))
        others = np.flatnonzero(np.isin(at, touched) & (at == self._prepared.home))
        more = min(len(others), wanted - len(chosen))
        chosen = np.append(chosen, self._random.choice(others, size=more, replace=False))
        return self._anywhere(at, chosen)

    def _anywhere(self, at: Ints, chosen: Ints) -> Bools:
        """The *chosen* units on any host, or on some receivers where hosts are many; at home and where they are."""
        count = len(self._prepared.hosts)
        receivers = self._random.choice(count, size=min(count, RECEIVERS), replace=False)
        free = np.zeros_like(self._prepared.legal)
        free[np.ix_(chosen, receivers)] = True
        free[chosen, at[chosen]] = free[chosen, self._prepared.home[chosen]] = True
        free[chosen] &= self._prepared.legal[chosen]
        return free
