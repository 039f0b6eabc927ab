"""`apply --until`: a time of day or a moment, by whose clocks, and what is none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rebalancer.cli.until import HERE, deadline_of, understood
from rebalancer.errors import InputError
from tests.pools import policy_of

NOW = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
NIGHT: dict[str, Any] = {"start": "22:00", "end": "06:00"}


@pytest.fixture(autouse=True)
def _in_lisbon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's clocks are those of Lisbon, an hour behind Berlin's."""
    monkeypatch.setenv("TZ", "Europe/Lisbon")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "timezone", "at", "whose"),
    [
        ("05:00", "Europe/Berlin", "2026-03-02 04:00", "Europe/Berlin, the time zone of the plan's change windows"),
        ("05:00", None, "2026-03-02 05:00", HERE),
        ("23:00", "Europe/Berlin", "2026-03-02 22:00", "Europe/Berlin, the time zone of the plan's change windows"),
        ("23:45", "Europe/Berlin", "2026-03-01 22:45", "Europe/Berlin, the time zone of the plan's change windows"),
        (
            "2026-03-02T05:00",
            "Europe/Berlin",
            "2026-03-02 04:00",
            "Europe/Berlin, the time zone of the plan's change windows",
        ),
        ("2026-03-02T05:00-05:00", "Europe/Berlin", "2026-03-02 10:00", "as given"),
        ("2026-03-02T05:00Z", None, "2026-03-02 05:00", "as given"),
    ],
)
def test_a_time_is_understood_by_the_clocks_of_the_windows(
    text: str, timezone: str | None, at: str, whose: str
) -> None:
    """A time of day is the next one; without windows this machine's clocks count; the words say whose did."""
    policy = policy_of(window=[NIGHT | {"timezone": timezone}]) if timezone else policy_of()
    moment, words = understood(text, policy, NOW)
    assert f"{moment:%Y-%m-%d %H:%M}" == at
    assert words == f"starting nothing that would not end by {text} ({whose}): {at} UTC"


def test_a_night_in_which_clocks_change_is_as_long_as_it_is() -> None:
    """In Berlin's shortest night five comes an hour sooner, and a time that is skipped is that of the hour before."""
    policy = policy_of(window=[NIGHT], demand={"timezone": "Europe/Berlin"})
    evening = datetime(2026, 3, 28, 21, 0, tzinfo=UTC)
    assert understood("05:00", policy, evening)[0] == datetime(2026, 3, 29, 3, 0, tzinfo=UTC)
    assert understood("02:30", policy, evening)[0] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("five", "'five' is no time"),
        ("25:00", "'25:00' is no time"),
        ("05:00+01:00", "'05:00+01:00' is no time"),
        ("2026-03-01T22:00Z", "which is over"),
        ("2062-03-01", "more than a week away"),
    ],
)
def test_what_is_no_time_of_the_next_days_is_refused(text: str, words: str) -> None:
    """With what to write in its place."""
    with pytest.raises(InputError, match="--until.*" + words.replace("+", r"\+")):
        understood(text, policy_of(), NOW)


def test_windows_in_two_time_zones_leave_no_guess() -> None:
    """Five o'clock by whose clocks? A moment with an offset says it."""
    policy = policy_of(window=[NIGHT, NIGHT | {"timezone": "Asia/Tokyo"}])
    with pytest.raises(InputError, match=r"several time zones \(Asia/Tokyo, UTC\)"):
        understood("05:00", policy, NOW)
    assert understood("2026-03-02T05:00Z", policy, NOW)[0] == NOW.replace(day=2, hour=5, minute=0)


def test_the_first_of_two_limits_counts() -> None:
    """Beside `--minutes`."""
    now = datetime.now(UTC)
    later = f"{now + timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
    near, _ = deadline_of(policy_of(), until=later, minutes=60)
    far, _ = deadline_of(policy_of(), until=later, minutes=600)
    assert near
    assert far
    assert now + timedelta(minutes=60) <= near < now + timedelta(minutes=70)
    assert f"{far:%Y-%m-%dT%H:%M:%SZ}" == later
    assert deadline_of(policy_of(), until=None, minutes=None) == (None, "")
