"""The failures of hosts that placements have to outlive, found one after another.

All of them at once would make every model large. So models state only those that some answer did not outlive though
tonight's placement does; the checker that finds them packs VMs by itself and knows nothing of the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rebalancer.placement import Placement
from rebalancer.rules.restarts import Failure, Restarts, Where


@dataclass(slots=True, kw_only=True, eq=False)
class Failures:
    """What was found so far.

    Args:
        restarts: the limits that hosts to spare set.
        start: the host of each VM tonight, always the same object, so that what is known of it stays known.
        stated: failures that models state, each with the number of its limit.
    """

    restarts: tuple[Restarts, ...]
    start: Where
    stated: list[tuple[int, Failure]] = field(default_factory=list)

    @classmethod
    def of(cls, limits: Iterable[object], start: Placement) -> Failures:
        """Nothing found yet."""
        return cls(restarts=tuple(limit for limit in limits if isinstance(limit, Restarts)), start=where_of(start))

    def copy(self) -> Failures:
        """The same, for somebody who goes on alone."""
        return replace(self, stated=list(self.stated))

    def outlived(self, placement: Placement) -> bool:
        """Whether *placement* loses no failure that is outlived tonight; those that it loses are stated from now on."""
        lost = [
            (number, failure)
            for number, limit in enumerate(self.restarts)
            for failure in limit.lost(self.start, where_of(placement))
        ]
        self.stated += [each for each in lost if each not in self.stated]
        return not lost


def where_of(placement: Placement) -> Where:
    """The one host that each VM holds."""
    return {vm: (host,) for vm, host in placement.host_of.items()}
