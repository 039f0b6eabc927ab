"""How long a pool is waited for that is there and not ready, or silent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from rebalancer.errors import NotReady, RefusedByXapi, Unreachable, UnreadableKey, XapiError
from rebalancer.xapi.words import PASSING

LONGEST_PAUSE: Final = 15.0

MOMENT: Final = 3.0
"""Seconds for which everybody who is patient at all asks a host again that is gone for the moment."""


def _wait(seconds: float) -> None:
    time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to ask again.

    Args:
        seconds: all pauses together.
        with_silence: whether a pool that does not answer is waited for as long: a host that boots is silent first.
            Otherwise one that is gone for the moment is asked again for some seconds, and silence counts at once.
        sleep: waits for so many seconds.
    """

    seconds: float
    with_silence: bool = False
    sleep: Callable[[float], None] = _wait

    def waits_for(self, error: XapiError, waited: float) -> bool:
        """Whether what went wrong may pass by itself, and what was asked was not done; *waited* are seconds so far."""
        if isinstance(error, RefusedByXapi):
            return error.code in PASSING
        if isinstance(error, NotReady) and waited < MOMENT:
            return True
        return self.with_silence and isinstance(error, Unreachable) and not isinstance(error, UnreadableKey)

    def pauses(self) -> Iterator[float]:
        """Seconds between two questions, twice as long each time."""
        left, pause = self.seconds, 1.0
        while left > 0:
            yield min(pause, left)
            left -= pause
            pause = min(2 * pause, LONGEST_PAUSE)


NONE: Final = Patience(seconds=0)
OF_COMMANDS: Final = Patience(seconds=30)
