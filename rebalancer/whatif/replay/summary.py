"""Several nights of one contender in a few figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.whatif.replay.judge import SHARES
from rebalancer.whatif.replay.replay import ReplayedNight

DAYS_OF_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of some nights, and what would have come had nothing ever moved.

    Args:
        contender: whose nights.
        nights: how many.
        overload: pCPU-hours above 75 % of the hosts' pCPUs.
        overload_without: the same without any move.
        least_overload: what the pool as a whole has, wherever VMs are.
        hours_above: host-hours above 75, 90 and 100 %.
        hours_above_without: the same without any move.
        worst_share: the busiest host-hour as a share of the host's pCPUs.
        worst_host: its host, by uuid.
        moves: VMs moved.
        gib: memory and disks copied for them.
        often: VMs by uuid and how often each moved, most often first.
        unplanned: nights in which there was no answer.
        regret: weighted pCPU-hours against hindsight, at least and at most; None where nobody asked.
    """

    contender: str
    nights: int
    overload: float
    overload_without: float
    least_overload: float
    hours_above: tuple[int, ...]
    hours_above_without: tuple[int, ...]
    worst_share: float
    worst_host: Uuid | None
    moves: int
    gib: float
    often: tuple[tuple[Uuid, int], ...]
    unplanned: int
    regret: tuple[float, float] | None

    @property
    def most_moves(self) -> int:
        """How often the VM moved that moved most often."""
        return self.often[0][1] if self.often else 0


def summary_of(nights: Sequence[ReplayedNight]) -> Summary:
    """The figures of *nights* of one contender, one at least."""
    worst = max(nights, key=lambda night: night.day.worst_share).day
    regrets = [night.regret for night in nights if night.regret is not None]
    counted = Counter(vm for night in nights for vm in night.moved)
    return Summary(
        contender=nights[0].contender,
        nights=len(nights),
        overload=sum(night.day.overload for night in nights),
        overload_without=sum(night.without.overload for night in nights),
        least_overload=sum(night.least_overload for night in nights),
        hours_above=tuple(sum(night.day.hours_above[each] for night in nights) for each in range(len(SHARES))),
        hours_above_without=tuple(
            sum(night.without.hours_above[each] for night in nights) for each in range(len(SHARES))
        ),
        worst_share=worst.worst_share,
        worst_host=worst.worst_host,
        moves=sum(len(night.moved) for night in nights),
        gib=sum(night.gib for night in nights),
        often=tuple(sorted(counted.items(), key=lambda each: (-each[1], each[0]))),
        unplanned=sum(not night.planned for night in nights),
        regret=(sum(each.least for each in regrets), sum(each.most for each in regrets)) if regrets else None,
    )


def by_week(nights: Sequence[ReplayedNight]) -> tuple[Summary, ...]:
    """The figures of *nights* of one contender, seven at a time."""
    return tuple(summary_of(nights[first : first + DAYS_OF_WEEK]) for first in range(0, len(nights), DAYS_OF_WEEK))
