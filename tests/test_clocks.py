from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.clocks import Clocks, compared, joined_clocks

HOUR = 3600


def test_clocks_that_agree_are_not_told() -> None:
    """A minute is no difference, whoever is ahead."""
    assert compared({"h1": 60.0, "h2": -0.5, "h3": 20.0}) == Clocks(ahead={})
    assert compared({}) == Clocks(ahead={})


def test_the_wrong_clock_is_told_in_whole_minutes() -> None:
    """One of five is off: that one is named, and what its answer took does not show."""
    off = compared({"h1": -0.4, "h2": 7 * HOUR - 0.7, "h3": -0.9, "h4": 0.1, "h5": -0.6})
    assert off == Clocks(ahead={"h2": 7 * HOUR})


def test_in_a_pool_of_two_this_machine_decides() -> None:
    """The host that agrees with this machine is right."""
    assert compared({"h1": 0.3, "h2": -2 * HOUR}) == Clocks(ahead={"h2": -2 * HOUR})


def test_this_machine_may_be_the_wrong_one() -> None:
    """Hosts that agree with each other are right, and so are their metrics."""
    assert compared({"h1": 7 * HOUR + 0.2, "h2": 7 * HOUR - 0.2}) == Clocks(ahead={}, here=-7 * HOUR)


@pytest.mark.parametrize(
    "readings",
    [
        {"h1": 5.0 * HOUR},
        {"h1": 5.0 * HOUR, "h2": -2.0 * HOUR},
        {"h1": 0.0, "h2": 5.0 * HOUR, "h3": 5.0 * HOUR},
        {"h1": 2.0 * HOUR, "h2": 2.0 * HOUR, "h3": 5.0 * HOUR, "h4": 5.0 * HOUR},
    ],
)
def test_where_nobody_has_most_this_machine_counts(readings: dict[str, float]) -> None:
    """As many show one time as another: nobody can tell, and that is said."""
    off = compared(readings)
    assert off == Clocks(ahead={host: int(ahead) for host, ahead in readings.items() if ahead}, settled=False)
    names = {"h1": "alder", "h2": "ash", "h3": "beech", "h4": "birch"}
    assert "disagree, and as many show one time as another" in next(off.sentences(names))


@given(st.lists(st.integers(-48, 48), min_size=1, max_size=9), st.integers(-48, 48))
def test_another_clock_here_moves_only_what_is_said_of_it(hours: list[int], here: int) -> None:
    """Whichever hosts have most on their side have it whatever this machine's clock shows."""
    hosts = {f"h{number}": float(hour * HOUR) for number, hour in enumerate(hours)}
    off = compared(hosts)
    counts = sorted(hours.count(hour) for hour in set(hours))
    if counts[-1] > len(hours) / 2 + 1:
        seen = compared({host: ahead - here * HOUR for host, ahead in hosts.items()})
        assert (seen.ahead, seen.settled) == (off.ahead, True)
        assert seen.here - off.here == here * HOUR


def test_each_clock_is_told_by_name() -> None:
    """Which host, how far, which way, and what became of its metrics; then this machine."""
    off = Clocks(ahead={"h1": 7 * HOUR, "h2": -120}, here=-3 * HOUR)
    assert list(off.sentences({"h1": "ash", "h2": "beech"})) == [
        "the clock of host ash is 7.0 h ahead of most clocks: its metrics were moved back by as much",
        "the clock of host beech is about 2 min behind most clocks: its metrics were moved forward by as much",
        "this machine's clock is 3.0 h behind most clocks: set it right, for change windows go by it",
    ]


def test_a_minute_and_a_half_is_told_as_about_so_much() -> None:
    """Whole minutes move metrics; 90 s are neither 60 s nor exactly 2 min."""
    ahead, behind = compared({"h1": 89.6, "h2": 0.0}), compared({"h1": -90.2, "h2": 0.0})
    assert ahead.off(ahead.ahead["h1"]) == "about 1 min ahead of most clocks"
    assert behind.off(behind.ahead["h1"]) == "about 2 min behind most clocks"


def test_clocks_of_two_pools() -> None:
    """What was off in one of them is off in both, and the larger difference of this machine is told."""
    one, two = Clocks(ahead={"h1": 120}, here=60), Clocks(ahead={"g1": -180}, here=-240, settled=False)
    assert joined_clocks(one, None, two) == Clocks(ahead={"h1": 120, "g1": -180}, here=-240, settled=False)
    assert joined_clocks(None, None) is None
