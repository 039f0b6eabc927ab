"""The failures of hosts that placements have to outlive, found one after another.

All of them at once would make every model large. So models state only those that some answer did not outlive though
the initial placement does; the checker that finds them packs VMs by itself and knows nothing of the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rebalancer.placement import Placement
from rebalancer.rules.availability.restarts import Failure, Restarts, Where


@dataclass(slots=True, kw_only=True, eq=False)
class Failures:
    """What was found so far.

    Args:
        restarts: the limits that hosts to spare set.
        start: the host of each VM now, always the same object, so that what is known of it stays known.
        stated: failures that models state, each with the number of its limit.
        gained: failures that are not outlived now, but where the answer is that is improved on: they stay so.
        wanted: failures that the model is asked to mend.
    """

    restarts: tuple[Restarts, ...]
    start: Where
    stated: list[tuple[int, Failure]] = field(default_factory=list)
    gained: list[tuple[int, Failure]] = field(default_factory=list)
    wanted: list[tuple[int, Failure]] = field(default_factory=list)

    @classmethod
    def of(cls, limits: Iterable[object], start: Placement) -> Failures:
        """The limits of hosts to spare, with nothing found yet."""
        return cls(restarts=tuple(limit for limit in limits if isinstance(limit, Restarts)), start=where_of(start))

    def copy(self) -> Failures:
        """An independent copy, for a search that goes on alone."""
        return replace(self, stated=list(self.stated), gained=list(self.gained), wanted=list(self.wanted))

    def unmet(self, placement: Placement) -> list[tuple[int, Failure]]:
        """The failures that *placement* does not outlive, each with the number of its limit."""
        return self._unmet(where_of(placement))

    def _unmet(self, where: Where) -> list[tuple[int, Failure]]:
        return [(number, failure) for number, limit in enumerate(self.restarts) for failure in limit.unmet(where)]

    def keep(self, placement: Placement) -> None:
        """Keep what *placement* outlives and the initial one does not outlived from now on, and nothing else."""
        unmet = self.unmet(placement)
        self.forget()
        self.gained = [each for each in self._unmet(self.start) if each not in unmet]

    def forget(self) -> None:
        """Forget what was gained and what is wanted."""
        self.stated = [each for each in self.stated if each not in self.gained]
        self.gained, self.wanted = [], []

    def outlived(self, placement: Placement) -> bool:
        """Whether *placement* loses no failure that is outlived now; those that it loses are stated from now on."""
        where = where_of(placement)
        limits = enumerate(self.restarts)
        lost = [(number, failure) for number, limit in limits for failure in limit.lost(self.start, where)]
        lost += [each for each in self.gained if self.restarts[each[0]].restarts(each[1], where) is None]
        self.stated += [each for each in lost if each not in self.stated]
        return not lost


def where_of(placement: Placement) -> Where:
    """The host of each VM, as the only one that holds it."""
    return {vm: (host,) for vm, host in placement.host_of.items()}
