"""Which hours the slots of a load profile are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from rebalancer.slots import RecordedDay, Slots

START = datetime(2026, 11, 22, 22, tzinfo=UTC)
TWO_DAYS = Slots(
    count=48,
    timezone="Europe/Berlin",
    days=(RecordedDay(start=START, weight=1), RecordedDay(start=START + timedelta(days=1), weight=3)),
)


def test_recorded_days_are_told_by_the_clocks_of_the_zone() -> None:
    """A day of the week, a day of the month, the hour, and the zone, across midnight."""
    assert TWO_DAYS.words(0) == "Sun 22 Nov 23:00 Europe/Berlin"
    assert TWO_DAYS.words(1) == "Mon 23 Nov 00:00 Europe/Berlin"
    assert TWO_DAYS.words(24 + 17) == "Tue 24 Nov 16:00 Europe/Berlin"
    assert TWO_DAYS.short_words(24 + 17) == "Tue 24 Nov 16:00"


def test_slots_of_percentiles_are_told_with_their_zone() -> None:
    """Hours of the day, and of the week."""
    assert Slots(count=24, timezone="UTC").words(14) == "14:00 UTC"
    assert Slots(count=168, timezone="UTC").words(38) == "Tue 14:00 UTC"


def test_the_hours_of_recorded_days_are_those_of_one_day() -> None:
    """Each counts by the weight of its day, exactly; those of percentiles count whole."""
    hours = TWO_DAYS.hours(1.0)
    assert (hours[0], hours[47], sum(hours)) == (Fraction(1, 4), Fraction(3, 4), 24)
    assert Slots(count=168, timezone="UTC").hours(1.0) == (Fraction(1),) * 168


def test_a_moment_is_told_of_by_its_hour() -> None:
    """Of recorded days by the same hour of each, by local clocks; else by the one slot."""
    moment = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
    assert TWO_DAYS.like(moment) == (3, 27)
    assert Slots(count=24, timezone="Europe/Berlin").like(moment) == (2,)
    assert Slots(count=168, timezone="UTC").like(moment) == (25,)
