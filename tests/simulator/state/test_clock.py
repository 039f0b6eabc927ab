from __future__ import annotations

import pytest

from rebalancer.simulator import PoolClock, VirtualTime, time_of

NOON = 1_793_534_400.0
"""2026-11-01T12:00:00Z."""


def test_it_runs_as_fast_as_asked() -> None:
    """Ten seconds of the machine are an hour at 360 times the speed, from where it began."""
    timing = VirtualTime(begins=NOON)
    clock = PoolClock(timing, begins=1000.0, rate=360.0)
    timing.sleep(10.0)
    assert clock() == 4600.0


def test_without_a_beginning_it_shows_the_real_time_until_it_is_set() -> None:
    """And runs on from what it was set to."""
    timing = VirtualTime(begins=NOON)
    clock = PoolClock(timing)
    timing.sleep(5.0)
    assert clock() == NOON + 5.0
    assert clock.put("+1d") == NOON + 5.0 + 86400.0
    timing.sleep(1.0)
    assert clock() == NOON + 6.0 + 86400.0


def test_it_is_never_set_back() -> None:
    """What was measured cannot be taken back, and the error tells both times."""
    clock = PoolClock(VirtualTime(begins=NOON))
    with pytest.raises(ValueError, match="2026-11-01T12:00:00Z and is never set back to 2026-11-01T11:59:59Z"):
        clock.put("2026-11-01T11:59:59")
    assert clock() == NOON


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("+90m", NOON + 5400.0),
        ("+1.5h", NOON + 5400.0),
        ("+2w", NOON + 14 * 86400.0),
        ("2026-11-01T12:00:30", NOON + 30.0),
        ("2026-11-01T13:00+01:00", NOON),
    ],
)
def test_times_are_told_in_two_forms(text: str, seconds: float) -> None:
    """From now, or as a moment: UTC without a zone."""
    assert time_of(text, NOON) == seconds


@pytest.mark.parametrize("text", ["", "tomorrow", "+1", "+1y", "-1d", "22:00"])
def test_other_texts_are_no_times(text: str) -> None:
    """And the error shows both forms."""
    with pytest.raises(ValueError, match="is no time: write 2026"):
        time_of(text, NOON)
