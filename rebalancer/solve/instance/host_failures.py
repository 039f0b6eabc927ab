"""The failures of hosts that placements have to outlive, found one after another.

All of them at once would make every model large. So models state only those that some answer did not outlive though
tonight's placement does; the checker that finds them packs VMs by itself and knows nothing of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from rebalancer.placement import Placement
from rebalancer.rules.availability.restarts import Failure, Restarts, Where


@dataclass(slots=True, kw_only=True, eq=False)
class Failures:
    """What was found so far.

    Args:
        restarts: the limits that hosts to spare set.
        start: the host of each VM tonight, always the same object, so that what is known of it stays known.
        stated: failures that models state, each with the number of its limit.
        gained: failures that are not outlived tonight, but where the answer is that is improved on: they stay so.
        wanted: failures that the model is asked to mend.
    """

    restarts: tuple[Restarts, ...]
    start: Where
    stated: list[tuple[int, Failure]] = field(default_factory=list)
    gained: list[tuple[int, Failure]] = field(default_factory=list)
    wanted: list[tuple[int, Failure]] = field(default_factory=list)

    @classmethod
    def of(cls, limits: Iterable[object], start: Placement) -> Failures:
        """Nothing found yet."""
        return cls(restarts=tuple(limit for limit in limits if isinstance(limit, Restarts)), start=where_of(start))

    def copy(self) -> Failures:
        """The same, for somebody who goes on alone."""
        return replace(self, stated=list(self.stated), gained=list(self.gained), wanted=list(self.wanted))

    def unmet(self, placement: Placement) -> list[tuple[int, Failure]]:
        """The failures that *placement* does not outlive, each with the number of its limit."""
        where = where_of(placement)
        return [(number, failure) for number, limit in enumerate(self.restarts) for failure in limit.unmet(where)]

    def keep(self, placement: Placement) -> None:
        """What *placement* outlives and tonight's does not stays outlived from now on; nothing else is kept."""
        unmet = self.unmet(placement)
        self.forget()
        tonight = (each for number, limit in enumerate(self.restarts) for each in _numbered(number, limit, self.start))
        self.gained += [each for each in tonight if each not in unmet]

    def forget(self) -> None:
        """Nothing was gained yet, and nothing is to be mended."""
        self.stated = [each for each in self.stated if each not in self.gained]
        self.gained, self.wanted = [], []

    def outlived(self, placement: Placement) -> bool:
        """Whether *placement* loses no failure that is outlived tonight; those that it loses are stated from now on."""
        lost = [
            (number, failure)
            for number, limit in enumerate(self.restarts)
            for failure in limit.lost(self.start, where_of(placement))
        ]
        where = where_of(placement)
        lost += [each for each in self.gained if self.restarts[each[0]].restarts(each[1], where) is None]
        self.stated += [each for each in lost if each not in self.stated]
        return not lost


def _numbered(number: int, limit: Restarts, where: Where) -> Iterator[tuple[int, Failure]]:
    """The failures that the state *where* does not outlive, with the *number* of their limit."""
    return ((number, failure) for failure in limit.unmet(where))


def where_of(placement: Placement) -> Where:
    """The one host that each VM holds."""
    return {vm: (host,) for vm, host in placement.host_of.items()}
