"""When hosts go down: in the hours of least load, one after another, inside the change windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rebalancer.policy import ChangeWindows
from rebalancer.policy.windows import Span
from rebalancer.units import first_few, slot_in_words
from rebalancer.whatif.outing import HOUR, Outing, hour_of

HOURS_A_WEEK = 168
SHOWN = 3
"""Hours that are named before the rest is counted."""

Way = tuple[int, tuple[datetime, ...]]
"""Per cent, added up over hosts, and when each begins; the less the better, and then the sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalmHours:
    """The hours in which an outing is best begun, as `slots` of the day or week, and how busy the busiest host is then.

    No slots where no change window is long enough.
    """

    slots: tuple[int, ...]
    of: int
    timezone: str
    percent: int

    @property
    def hours(self) -> tuple[str, ...]:
        """Each in words: `02:00`, or `Sun 02:00` where hours of the week are known."""
        return tuple(slot_in_words(slot, self.of) for slot in self.slots)

    @property
    def words(self) -> str:
        """`02:00, 03:00 (41%)`."""
        if not self.slots:
            return "no change window is long enough"
        return f"{first_few(self.hours, SHOWN)} ({self.percent}%)"


def calm_hours(outing: Outing, now: datetime, windows: ChangeWindows) -> CalmHours | None:
    """When *outing* is best begun, of all full hours of the week from *now* on; None without metrics.

    It touches the least busy hours, in whole per cent of the CPU of whichever host is busiest, and is over before the
    change window closes.
    """
    if not outing.shares:
        return None
    spans = windows.spans(now)
    found: dict[int, int] = {}
    first = hour_of(now, outing.timezone) + HOUR
    for hour in (first + number * HOUR for number in range(HOURS_A_WEEK)):
        if any(start <= hour and outing.ends(hour) <= end for start, end in spans):
            slot = outing.slot(hour)
            found[slot] = max(found.get(slot, 0), outing.percent(hour))
    least = min(found.values(), default=0)
    slots = tuple(sorted(slot for slot, percent in found.items() if percent == least))
    return CalmHours(slots=slots, of=len(outing.shares), timezone=outing.timezone, percent=least)


def best_begins(
    outings: Sequence[Outing], now: datetime, until: datetime, windows: ChangeWindows
) -> tuple[datetime, ...]:
    """When each of *outings* begins, one after the other, all between *now* and *until* and inside *windows*.

    Of all ways in which each begins at a full hour or once the one before is over, the one whose per cents, those of
    `Outing.percent`, add up to the least; of these the one that begins soonest. () where there is none.
    """
    found = _Sequence(outings=outings, now=now, until=until, windows=windows).way(0, now)
    return found[1] if found else ()


@dataclass(slots=True, kw_only=True)
class _Sequence:
    """The ways to begin outings one after the other, from the last one back."""

    outings: Sequence[Outing]
    now: datetime
    until: datetime
    windows: ChangeWindows
    _spans: tuple[Span, ...] = field(init=False)
    _known: dict[tuple[int, datetime], Way | None] = field(init=False, default_factory=dict)
    _later: list[dict[datetime, Way | None]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Find, for each outing, the best way that begins it at a full hour from some hour on."""
        self._spans = self.windows.spans(self.now)
        hours = self._hours()
        self._later = [{} for _ in self.outings]
        for number in reversed(range(len(self.outings))):
            best: Way | None = None
            for hour in reversed(hours):
                best = _better(self._begun(number, hour), best)
                self._later[number][hour] = best

    def _hours(self) -> list[datetime]:
        if not self.outings:
            return []
        hours, hour = [], hour_of(self.now, self.outings[0].timezone) + HOUR
        while hour < self.until:
            hours.append(hour)
            hour += HOUR
        return hours

    def way(self, number: int, free: datetime) -> Way | None:
        """The best way to begin the outings from that *number* on, none of them before *free*; None where none is."""
        if number == len(self.outings):
            return 0, ()
        if (number, free) not in self._known:
            later = self._later[number].get(hour_of(free, self.outings[0].timezone) + HOUR)
            self._known[number, free] = _better(self._begun(number, free), later)
        return self._known[number, free]

    def _begun(self, number: int, begin: datetime) -> Way | None:
        """The best way that begins the outing of that *number* at *begin*."""
        outing = self.outings[number]
        end = outing.ends(begin)
        if end > self.until or not any(start <= begin and end <= stop for start, stop in self._spans):
            return None
        rest = self.way(number + 1, end)
        return (outing.percent(begin) + rest[0], (begin, *rest[1])) if rest else None


def _better(one: Way | None, other: Way | None) -> Way | None:
    return min(filter(None, (one, other)), default=None)
