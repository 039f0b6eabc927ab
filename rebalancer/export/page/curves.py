"""The load of a host over the day that matters, with a VM and without it, as lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rebalancer.describe.load_course import Shares
from rebalancer.slots import Slots
from rebalancer.units import HOURS_A_DAY

HEIGHT = 60
"""Of a chart, in its own units, for a load of one and a fifth of the host."""
TOP = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines before and after, the threshold as a height, `words`, and what begins and ends the axis."""

    title: str
    hours: int
    before: str
    after: str
    threshold: float
    words: str
    first: str
    last: str


def chart_of(title: str, loads: tuple[Shares, Shares], threshold: float, slot: int, when: Slots) -> Chart:
    """A chart of the day that *slot* is in; *loads* are shares before and after."""
    day = day_of(slot, when)
    before, after = (load[day.start : day.stop] for load in loads)
    told = f"{loads[0][slot]:.0%} before, {loads[1][slot]:.0%} after"
    return Chart(
        title=title,
        hours=len(day),
        before=_line(before),
        after=_line(after),
        threshold=_height(threshold),
        words=f"{title}: {told} at {when.words(slot)}",
        first=when.short_words(day.start),
        last=when.short_words(day.stop - 1),
    )


def day_of(slot: int, when: Slots) -> range:
    """The slots of the day that *slot* is in."""
    first = slot - slot % HOURS_A_DAY
    return range(first, min(when.count, first + HOURS_A_DAY))


def _line(shares: Iterable[float]) -> str:
    return " ".join(f"{hour},{_height(share):g}" for hour, share in enumerate(shares))


def _height(share: float) -> float:
    return round(HEIGHT * (1 - min(TOP, max(0.0, share)) / TOP), 1)
