"""Clocks that are off: which, and how far from the time that most of them show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

from rebalancer.inventory import Uuid
from rebalancer.units import SECONDS_PER_MINUTE, duration_in_words, first_few

AGREE_SECONDS: Final = 60
"""Clocks that differ by no more show the same time: XAPI tells whole seconds, and its answers may take some."""

ROUGH_MINUTES: Final = 10
"""Below that a whole minute is rough."""

SET_RIGHT: Final = "set the clock right"
"""The fix with which a reason ends why the metrics of a host are refused whose clock is too far off."""

SHOWN: Final = 5
"""Hosts that a sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The clocks that were off when metrics were read, in whole minutes.

    Args:
        ahead: seconds that the clock of a host was ahead, negative where it was behind; its metrics were moved back by
            as much. Hosts whose clocks are right are not in it.
        here: the same of this machine's clock.
        settled: whether no other time was shown by as many clocks; where one was, this machine's counts.
    """

    ahead: Mapping[Uuid, int]
    here: int = 0
    settled: bool = True

    def sentences(self, known: Mapping[Uuid, str]) -> Iterator[str]:
        """What to say of the clocks that were off; *known* are the names of hosts."""
        names = {host: known.get(host, host) for host in self.ahead}
        if not self.settled:
            listed = first_few([f"host {name}" for name in names.values()], SHOWN)
            yield f"the clocks of {listed} and of this machine disagree, and as many show one time as another"
        for host, ahead in self.ahead.items():
            moved = f"its metrics were moved {'back' if ahead > 0 else 'forward'} by as much"
            yield f"the clock of host {names[host]} is {self.off(ahead)}: {moved}"
        if self.here:
            yield f"this machine's clock is {self.off(self.here)}: set it right, for change windows go by it"

    def off(self, ahead: int) -> str:
        """How far a clock is off, and from what: `7.0 h ahead of most clocks`."""
        way = "ahead of" if ahead > 0 else "behind"
        few = abs(ahead) // SECONDS_PER_MINUTE
        far = f"about {few} min" if few < ROUGH_MINUTES else duration_in_words(abs(ahead))
        return f"{far} {way} {'most clocks' if self.settled else 'that of this machine'}"

    def beyond(self, minutes: int) -> list[Uuid]:
        """The hosts whose clocks were off by more."""
        return [host for host, ahead in self.ahead.items() if abs(ahead) > minutes * SECONDS_PER_MINUTE]


def compared(ahead_of_here: Mapping[Uuid, float]) -> Clocks:
    """Which clocks are off from the time that most of them show, this machine's among them.

    Where as many show one time as another, nobody can tell which is right, and this machine's counts.

    Args:
        ahead_of_here: seconds that the clock of each host is ahead of this machine's.
    """
    readings = [0.0, *ahead_of_here.values()]
    agreeing = {each: [other for other in readings if abs(other - each) <= AGREE_SECONDS] for each in readings}
    most = max(map(len, agreeing.values()))
    leaders = [each for each in agreeing if len(agreeing[each]) == most]
    settled = max(leaders) - min(leaders) <= AGREE_SECONDS
    now = median(agreeing[leaders[0] if settled else 0.0])
    off = {host: _minutes(reading - now) for host, reading in ahead_of_here.items()}
    return Clocks(
        ahead={host: seconds for host, seconds in off.items() if seconds}, here=_minutes(-now), settled=settled
    )


def joined_clocks(*known: Clocks | None) -> Clocks | None:
    """What is known of the clocks of several pools; None where nothing was off."""
    clocks = [each for each in known if each]
    if not clocks:
        return None
    return Clocks(
        ahead={host: ahead for each in clocks for host, ahead in each.ahead.items()},
        here=max((each.here for each in clocks), key=abs),
        settled=all(each.settled for each in clocks),
    )


def _minutes(seconds: float) -> int:
    """Whole minutes, in seconds; 0 for what counts as no difference."""
    return 0 if abs(seconds) <= AGREE_SECONDS else round(seconds / SECONDS_PER_MINUTE) * SECONDS_PER_MINUTE
