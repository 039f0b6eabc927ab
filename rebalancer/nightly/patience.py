"""A pool that does not answer is tried again, until an hour that its policy names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import rebalancer as rb
from rebalancer.errors import Unreachable, UnreadableKey
from rebalancer.execute import Clock
from rebalancer.units import SECONDS_PER_MINUTE, moment_in_words

Read = TypeVar("Read")

LONGEST: Final = timedelta(hours=12)
"""An hour that is further off is that of another night."""


def patiently(
    read: Callable[[], Read], policy: rb.Policy, clock: Clock, told: Callable[[str], None] = lambda _words: None
) -> Read:
    """What *read* returns, tried again while the pool does not answer and *policy* says so, as *told* hears.

    Raises:
        Unreachable: it did not answer by then.
    """
    until = given_up_at(policy, clock.now())
    pause = policy.pool.retry_minutes * SECONDS_PER_MINUTE
    while True:
        try:
            return read()
        except UnreadableKey:
            raise
        except Unreachable as error:
            if until is None or clock.now() + timedelta(seconds=pause) > until:
                raise
            words, last = str(error).removesuffix("."), moment_in_words(until, policy.timezone)
            told(f"{words}; it is tried again every {policy.pool.retry_minutes:g} minutes, until {last}")
        clock.sleep(pause)


def given_up_at(policy: rb.Policy, now: datetime) -> datetime | None:
    """When a night that begins *now* is given up if the pool does not answer; None where it is not tried again."""
    hour = policy.pool.retry_until
    if hour is None:
        return None
    shown = now.astimezone(ZoneInfo(policy.timezone))
    at = shown.replace(hour=hour.hour, minute=hour.minute, second=hour.second, microsecond=0)
    at = at if at > shown else at + timedelta(days=1)
    return at if at - shown <= LONGEST else None
