from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.errors import PolicyError
from rebalancer.policy import ChangeWindows, change_windows
from tests.pools import policy_of

BERLIN = ZoneInfo("Europe/Berlin")
WORK_NIGHTS = ["mon", "tue", "wed", "thu", "fri"]


def windows(*sections: dict[str, object], timezone: str = "Europe/Berlin") -> ChangeWindows:
    """The change windows of a policy with these sections."""
    return change_windows(policy_of(window=list(sections), demand={"timezone": timezone}))


def at(text: str) -> datetime:
    """A moment by Berlin's clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


NIGHTS = windows({"days": WORK_NIGHTS, "start": "22:00", "end": "05:00"})


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-20T21:59:59", False),  # a Friday
        ("2026-11-20T22:00:00", True),
        ("2026-11-21T04:59:59", True),  # Saturday morning belongs to Friday night
        ("2026-11-21T05:00:00", False),
        ("2026-11-21T23:00:00", False),
        ("2026-11-23T01:00:00", False),  # Monday morning belongs to Sunday
        ("2026-11-23T22:30:00", True),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_opens_on(moment: str, is_open: bool) -> None:
    """Start counts, end does not, and the early hours belong to the evening before."""
    assert NIGHTS.is_open(at(moment)) is is_open


def test_it_says_when_it_closes_and_opens() -> None:
    """Open: closes at the end of this night. Closed: closes now, opens at the next start."""
    assert NIGHTS.closes_at(at("2026-11-20T23:00")) == at("2026-11-21T05:00")
    assert NIGHTS.closes_at(at("2026-11-21T12:00")) == at("2026-11-21T12:00")
    assert NIGHTS.opens_at(at("2026-11-21T12:00")) == at("2026-11-23T22:00")
    assert NIGHTS.opens_at(at("2026-11-20T23:00")) == at("2026-11-20T23:00")


def test_without_windows_it_is_always_open() -> None:
    """No window means no limit."""
    always = windows()
    assert always.is_open(at("2026-11-20T12:00"))
    assert always.closes_at(at("2026-11-20T12:00")) is None


def test_windows_that_touch_are_one() -> None:
    """Two windows in a row close once, at the later end; one without end never closes."""
    row = windows({"start": "20:00", "end": "23:00"}, {"start": "23:00", "end": "01:00"})
    assert row.closes_at(at("2026-11-20T20:30")) == at("2026-11-21T01:00")
    assert windows({"start": "06:00", "end": "06:00"}).closes_at(at("2026-11-20T12:00")) is None


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 6), ("2026-10-24", 8), ("2026-06-01", 7)])
def test_a_window_keeps_its_hours_when_clocks_change(day: str, hours: int) -> None:
    """22:00 to 05:00 takes 6 hours in the night to summer time and 8 in the night back."""
    nights = windows({"start": "22:00", "end": "05:00"})
    opened = at(f"{day}T22:00").astimezone(UTC)
    assert nights.closes_at(opened) == opened + timedelta(hours=hours)
    assert not nights.is_open(opened - timedelta(seconds=1))


def test_a_window_that_the_clock_skips_does_not_open() -> None:
    """02:30 to 02:45 does not exist in the night to summer time."""
    skipped = windows({"start": "02:30", "end": "03:15"})
    night = datetime(2026, 3, 29, tzinfo=UTC)
    assert not any(skipped.is_open(night + timedelta(minutes=minute)) for minute in range(0, 120, 5))


def test_a_window_has_its_own_zone() -> None:
    """`timezone` of a window wins over that of `demand`."""
    tokyo = windows({"start": "00:00", "end": "01:00", "timezone": "Asia/Tokyo"})
    assert tokyo.is_open(datetime(2026, 11, 20, 15, 30, tzinfo=UTC))


@given(st.integers(0, 60 * 24 * 14), st.integers(0, 23), st.integers(0, 23))
def test_a_plain_day_by_hand(minute: int, start: int, end: int) -> None:
    """In UTC, daily windows agree with comparing the hour, and the closing is the first closed moment."""
    daily = windows({"start": f"{start:02}:00", "end": f"{end:02}:00"}, timezone="UTC")
    now = datetime(2026, 11, 2, tzinfo=UTC) + timedelta(minutes=minute)
    expected = start <= now.hour < end if start < end else (now.hour >= start or now.hour < end)
    assert daily.is_open(now) is expected
    closing = daily.closes_at(now)
    if start != end:
        assert closing is not None
        assert not daily.is_open(closing)
        assert closing == now or daily.is_open(closing - timedelta(minutes=1))


def blacked_out(windows: list[dict[str, object]], *blackouts: dict[str, object]) -> ChangeWindows:
    """The change windows of a policy with blackouts, by Berlin's clocks."""
    return change_windows(policy_of(window=windows, blackout=list(blackouts), demand={"timezone": "Europe/Berlin"}))


def test_a_blackout_closes_a_window() -> None:
    """A night from 22:00 to 05:00 with a backup from 00:00 to 02:00: two parts, and the first closes at midnight."""
    night = blacked_out([{"start": "22:00", "end": "05:00"}], {"start": "00:00", "end": "02:00"})
    assert night.is_open(at("2026-11-20T23:59"))
    assert not night.is_open(at("2026-11-21T01:00"))
    assert night.closes_at(at("2026-11-20T23:00")) == at("2026-11-21T00:00")
    assert night.opens_at(at("2026-11-21T00:30")) == at("2026-11-21T02:00")
    assert night.closes_at(at("2026-11-21T02:00")) == at("2026-11-21T05:00")


def test_without_windows_a_blackout_is_all_that_is_closed() -> None:
    """Always open but on Fridays from 08:00 to 18:00."""
    days = blacked_out([], {"days": ["fri"], "start": "08:00", "end": "18:00"})
    assert days.is_open(at("2026-11-19T12:00"))
    assert not days.is_open(at("2026-11-20T12:00"))
    assert days.closes_at(at("2026-11-19T12:00")) == at("2026-11-20T08:00")
    assert days.opens_at(at("2026-11-20T12:00")) == at("2026-11-20T18:00")


def test_blackouts_that_leave_nothing_are_an_error() -> None:
    """A window that is blacked out every day never opens, and that is said."""
    never = blacked_out([{"start": "22:00", "end": "23:00"}], {"start": "21:00", "end": "23:30"})
    with pytest.raises(PolicyError, match="no change window ever opens"):
        never.opens_at(at("2026-11-20T22:30"))


@pytest.mark.parametrize(
    ("windows", "blackouts", "ever"),
    [
        ([], [("00:00", "00:00")], False),
        ([], [("00:00", "23:59")], True),
        ([], [], True),
        ([("22:00", "05:00")], [("22:00", "00:00"), ("00:00", "05:00")], False),
        ([("22:00", "05:00")], [("22:00", "00:00"), ("00:00", "04:59")], True),
        ([("00:00", "05:00")], [("21:00", "05:00")], False),
    ],
)
def test_whether_a_window_ever_opens(
    windows: list[tuple[str, str]], blackouts: list[tuple[str, str]], *, ever: bool
) -> None:
    """Also where parts of one night are closed by blackouts of two days; asking for the next opening agrees."""
    spans: list[list[dict[str, object]]] = [
        [{"start": start, "end": end} for start, end in each] for each in (windows, blackouts)
    ]
    made = blacked_out(spans[0], *spans[1])
    assert made.ever_open is ever
    with nullcontext() if ever else pytest.raises(PolicyError):
        made.opens_at(at("2026-11-20T22:30"))
