"""What it costs that units leave home: the same wherever they go, or more on some hosts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rebalancer.solve.instance.rows import Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MoveCost:
    """Costs of units, in whole numbers; staying costs nothing.

    Args:
        home: host of each unit now, shape (units,).
        least: what each unit costs wherever it goes, shape (units,).
        extra: what it costs on top by the host to which it goes, shape (units, hosts); 0 at home.
        largest: what all units cost together at most.
        divisor: what all costs are multiples of.
    """

    home: Ints
    least: Ints
    extra: Ints
    largest: int
    divisor: int

    @classmethod
    def of(cls, home: Ints, least: Ints, extra: Ints) -> MoveCost:
        """The cost of units that cost *least* (units,) anywhere, and *extra* (units, hosts) on top of it."""
        return cls(
            home=home,
            least=least,
            extra=extra,
            largest=int((least + extra.max(axis=1, initial=0)).sum()),
            divisor=int(np.gcd.reduce(np.append(least, extra))) or 1,
        )

    @classmethod
    def flat(cls, home: Ints, least: Ints, hosts: int) -> MoveCost:
        """The cost of units that cost the same wherever they go."""
        # Zeros that take no memory, however many hosts there are.
        return cls.of(home, least, np.broadcast_to(np.int64(0), (len(least), hosts)))

    def restricted(self, hosts: Ints, units: Ints) -> MoveCost:
        """The cost of some *units* on some *hosts*, by their place among these; in wholes of what all cost."""
        place = np.full(self.extra.shape[1], -1, dtype=np.int64)
        place[hosts] = np.arange(len(hosts))
        home, extra = place[self.home[units]], self.extra[np.ix_(units, hosts)]
        return replace(self, home=home, least=self.least[units], extra=extra)

    def at(self, at: Ints) -> Ints:
        """What each unit costs where the units are *at*, shape (units,)."""
        paid: Ints = np.where(at == self.home, 0, self.least + self.extra[np.arange(len(at)), at])
        return paid

    def on_hosts(self, units: Ints) -> Ints:
        """What *units* cost on every host, shape (units, hosts)."""
        costs: Ints = self.least[units][:, None] + self.extra[units]
        costs[np.arange(len(units)), self.home[units]] = 0
        return costs
