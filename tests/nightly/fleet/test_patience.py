"""A pool that does not answer is tried again until an hour of its policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rebalancer.errors import Unreachable, UnreadableKey
from rebalancer.execute import Clock
from rebalancer.nightly.patience import given_up_at, patiently
from tests.pools import policy_of

EVENING = datetime(2026, 3, 4, 22, 30, tzinfo=UTC)


class Passing(Clock):
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = EVENING

    def now(self) -> datetime:
        """The moment."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self.at += timedelta(seconds=seconds)


def test_an_hour_is_that_of_this_night_in_the_zone_of_the_policy() -> None:
    """The next one, unless it is more than half a day away."""
    hours = {
        hour: given_up_at(policy_of(timezone="Europe/Berlin", pool={"retry_until": hour}), EVENING)
        for hour in ("03:00", "23:45", "23:00")
    }
    assert hours["03:00"] == datetime(2026, 3, 5, 2, tzinfo=UTC)
    assert hours["23:45"] == datetime(2026, 3, 4, 22, 45, tzinfo=UTC)
    assert hours["23:00"] is None
    assert given_up_at(policy_of(), EVENING) is None


def test_a_pool_that_comes_back_is_read() -> None:
    """Every so many minutes it is tried."""
    clock, asked = Passing(), list[datetime]()

    def read() -> str:
        asked.append(clock.at)
        if len(asked) < 3:
            raise Unreachable("https://pool", "no connection", "Try again")
        return "read"

    wanted = policy_of(pool={"retry_until": "03:00", "retry_minutes": 10})
    assert patiently(read, wanted, clock) == "read"
    assert asked == [EVENING + number * timedelta(minutes=10) for number in range(3)]


def test_a_pool_that_stays_away_is_given_up() -> None:
    """At the last try before that hour; at once without one, and for what no waiting mends."""
    for sections, minutes in [({"retry_until": "23:00", "retry_minutes": 10}, 30), ({}, 0)]:
        clock = Passing()

        def read() -> None:
            raise Unreachable("https://pool", "no connection", "Try again")

        with pytest.raises(Unreachable):
            patiently(read, policy_of(pool=sections), clock)
        assert clock.at - EVENING == timedelta(minutes=minutes)
    clock = Passing()

    def unreadable() -> None:
        raise UnreadableKey("https://pool", "<key>")

    with pytest.raises(UnreadableKey):
        patiently(unreadable, policy_of(pool={"retry_until": "23:00"}), clock)
    assert clock.at == EVENING
