"""Slots: which hours the columns of a load profile are, and how many hours of a day each stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from rebalancer.units import DAYS, HOURS_A_DAY, slot_at, slot_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDay:
    """24 hours as they were recorded.

    Args:
        start: its first moment, with a time zone.
        weight: how much it counts beside other days.
    """

    start: datetime
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The slots of a load profile.

    Args:
        count: how many there are.
        timezone: IANA name of the zone that they are told in.
        days: the days that they are hours of, one after another, 24 hours each; none where a slot is a percentile of
            many hours: with 24 slots the hour of the day, with 168 of the week.
    """

    count: int
    timezone: str
    days: tuple[RecordedDay, ...] = ()

    @property
    def fit(self) -> bool:
        """Whether there are as many slots as recorded days have hours, and each day counts something."""
        alike = self.count == len(self.days) * HOURS_A_DAY
        return not self.days or (alike and all(day.weight > 0 for day in self.days))

    def hours(self, slot_hours: float) -> tuple[Fraction, ...]:
        """How many hours each slot counts: those of recorded days add up to one day, the mean of them.

        Args:
            slot_hours: length of a slot.
        """
        length = Fraction(slot_hours)
        if not self.days:
            return (length,) * self.count
        total = sum(day.weight for day in self.days)
        return tuple(length * Fraction(day.weight, total) for day in self.days for _ in range(HOURS_A_DAY))

    def words(self, slot: int) -> str:
        """`14:00 UTC` of a day, `Tue 14:00 UTC` of a week, `Tue 24 Nov 14:00 UTC` of a recorded day."""
        return f"{self.short_words(slot)} {self.timezone}"

    def short_words(self, slot: int) -> str:
        """The same without the time zone, for tables that name it above."""
        if not self.days:
            return slot_in_words(slot, self.count)
        shown = self.start_of(slot).astimezone(ZoneInfo(self.timezone))
        return f"{DAYS[shown.weekday()]} {shown.day} {MONTHS[shown.month]} {shown:%H:%M}"

    def start_of(self, slot: int) -> datetime:
        """The first moment of a *slot* of a recorded day."""
        return self.days[slot // HOURS_A_DAY].start + timedelta(hours=slot % HOURS_A_DAY)

    def like(self, moment: datetime) -> tuple[int, ...]:
        """The slots that tell of *moment*: that of its hour, or of recorded days the same hour of each."""
        shown = moment.astimezone(ZoneInfo(self.timezone))
        if not self.days:
            return (slot_at(shown, self.count),)
        return tuple(slot for slot in range(self.count) if self.hour_of(slot) == shown.hour)

    def hour_of(self, slot: int) -> int:
        """The hour of the day in which a *slot* of a recorded day begins."""
        return self.start_of(slot).astimezone(ZoneInfo(self.timezone)).hour


MONTHS: Mapping[int, str] = dict(
    enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1)
)
