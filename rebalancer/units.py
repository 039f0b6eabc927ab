"""Units of memory and time, and how sentences say sizes, times and counts; loads are rounded in `solve.resolution`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from math import ceil, floor
from typing import Final
from zoneinfo import ZoneInfo

KIB = 1024
MIB = 1024**2
GIB = 1024**3
SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3600
HOURS_A_DAY = 24
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Years that times of pools, plans and journals are in: what is further off is a mistake, and calendars end."""


def is_likely(moment: date) -> bool:
    """Whether *moment*, a date or a time, is of a year in which pools are.

    Example:
        >>> from datetime import date
        >>> import rebalancer as rb
        >>> rb.units.is_likely(date(2026, 3, 4)), rb.units.is_likely(date(9999, 12, 31))
        (True, False)
    """
    return FIRST_YEAR <= moment.year <= LAST_YEAR


ZONE_NAME: Final = re.compile(r"[A-Za-z0-9_+/-]{1,64}")


def is_time_zone(name: str) -> bool:
    """Whether *name* is the IANA name of a time zone that this machine knows.

    Names are looked for as modules, too, so that one of a thousand dots would be looked for a thousand deep.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.is_time_zone("Europe/Berlin"), rb.units.is_time_zone("Europe")
        (True, False)
    """
    if not ZONE_NAME.fullmatch(name):
        return False
    try:
        return bool(ZoneInfo(name).key)
    except (KeyError, ValueError, OSError):
        return False


def demand_mib(size_bytes: int) -> int:
    """Whole MiB that surely hold *size_bytes*.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.demand_mib(2**30 + 1)
        1025
    """
    return -(-size_bytes // MIB)


def gib(size_bytes: float) -> float:
    """A size in GiB.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.gib(3.5 * 2**30)
        3.5
    """
    return size_bytes / GIB


def counted(number: int, one: str, many: str = "") -> str:
    """So many of something: `1 host`, `3 hosts`; `1 copy`, `2 copies` where *many* is not *one* with an s.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.counted(1, "host"), rb.units.counted(2, "copy", "copies")
        ('1 host', '2 copies')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def first_few(names: Sequence[str], shown: int, *, between: str = ", ", more: str = " and {} more") -> str:
    """The first *shown* of *names*, and how many *more* there are: `ash, beech and 3 more`.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.first_few(["ash", "beech", "birch", "alder", "aspen"], 2)
        'ash, beech and 3 more'
    """
    left = len(names) - shown
    return between.join(names[:shown]) + (more.format(left) if left > 0 else "")


def size_in_words(size_bytes: float) -> str:
    """A size as people read it: `512 MiB`, `3.5 GiB`.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.size_in_words(512 * 2**20), rb.units.size_in_words(3.5 * 2**30)
        ('512 MiB', '3.5 GiB')
    """
    if size_bytes < GIB:
        return f"{size_bytes / MIB:.0f} MiB"
    return f"{size_bytes / GIB:.1f} GiB"


def duration_in_words(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`, `3.0 days`.

    Example:
        >>> import rebalancer as rb
        >>> [rb.units.duration_in_words(seconds) for seconds in (40, 720, 12600, 259200)]
        ['40 s', '12 min', '3.5 h', '3.0 days']
    """
    unit, length, digits = _unit_of(seconds)
    return f"{seconds / length:.{digits}f} {unit}"


def least_in_words(seconds: float) -> str:
    """A duration that is no longer than *seconds*, in the words of `duration_in_words`.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.least_in_words(1799), rb.units.duration_in_words(1799)
        ('29 min', '30 min')
    """
    return _rounded(seconds, floor)


def most_in_words(seconds: float) -> str:
    """A duration that is no shorter than *seconds*, in the words of `duration_in_words`.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.most_in_words(1801), rb.units.duration_in_words(1801)
        ('31 min', '30 min')
    """
    return _rounded(seconds, ceil)


def _unit_of(seconds: float) -> tuple[str, float, int]:
    """Unit, its length in seconds, and digits after the point."""
    if seconds < 2 * SECONDS_PER_MINUTE:
        return "s", 1, 0
    if seconds < 2 * SECONDS_PER_HOUR:
        return "min", SECONDS_PER_MINUTE, 0
    if seconds < 2 * HOURS_A_DAY * SECONDS_PER_HOUR:
        return "h", SECONDS_PER_HOUR, 1
    return "days", SECONDS_PER_HOUR * HOURS_A_DAY, 1


def _rounded(seconds: float, whole: Callable[[float], int]) -> str:
    unit, length, digits = _unit_of(seconds)
    parts = 10**digits
    return f"{whole(round(seconds / length * parts, 6)) / parts:.{digits}f} {unit}"


def interval_in_words(low: float, likely: float, high: float) -> str:
    """`about 12 min (8 to 24 min)`: both ends are rounded outwards, so that what is likely is never beyond them.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.interval_in_words(455, 720, 1445)
        'about 12 min (7 to 25 min)'
    """
    return _interval(least_in_words(low), duration_in_words(likely), most_in_words(high))


def interval_to_the_nearest(low: float, likely: float, high: float) -> str:
    """The same as plans of earlier versions have it, with each end rounded to the nearest.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.interval_to_the_nearest(455, 720, 1445)
        'about 12 min (8 to 24 min)'
    """
    return _interval(*map(duration_in_words, (low, likely, high)))


def _interval(short: str, middle: str, long: str) -> str:
    alike = short.rpartition(" ")[2] == long.rpartition(" ")[2]
    return f"about {middle} ({short.rpartition(' ')[0] if alike else short} to {long})"


def moment_in_words(moment: datetime, timezone: str) -> str:
    """`2026-03-04 22:00 Europe/Berlin`: a moment by the clocks of *timezone*, an IANA name, and that name.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> rb.units.moment_in_words(datetime(2026, 3, 4, 21, tzinfo=UTC), "Europe/Berlin")
        '2026-03-04 22:00 Europe/Berlin'
    """
    return f"{moment_shown(moment, timezone)} {timezone}"


def moment_shown(moment: datetime, timezone: str) -> str:
    """The same without the name, for columns that have it in their heading.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> rb.units.moment_shown(datetime(2026, 3, 4, 21, tzinfo=UTC), "Europe/Berlin")
        '2026-03-04 22:00'
    """
    return f"{moment.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"


def slot_at(shown: datetime, slots: int) -> int:
    """The slot of a moment by the clocks that count: with 24 slots the hour of the day, with 168 of the week.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> tuesday = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
        >>> rb.units.slot_at(tuesday, 24), rb.units.slot_at(tuesday, 168)
        (14, 38)
    """
    return (shown.weekday() * HOURS_A_DAY + shown.hour) % slots


def slot_in_words(slot: int, slots: int) -> str:
    """`14:00` of a day with 24 slots, `Tue 14:00` of a week with 168.

    Example:
        >>> import rebalancer as rb
        >>> rb.units.slot_in_words(14, 24), rb.units.slot_in_words(38, 168)
        ('14:00', 'Tue 14:00')
    """
    hour = f"{slot % HOURS_A_DAY:02}:00"
    return hour if slots <= HOURS_A_DAY else f"{DAYS[slot // HOURS_A_DAY % len(DAYS)]} {hour}"
