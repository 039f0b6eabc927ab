"""Units of memory and time, and how sentences say sizes and counts; loads are rounded in `solve.resolution`."""

from __future__ import annotations

from collections.abc import Sequence

KIB = 1024
MIB = 1024**2
GIB = 1024**3
SECONDS_PER_HOUR = 3600


def demand_mib(size_bytes: int) -> int:
    """Whole MiB that surely hold *size_bytes*."""
    return -(-size_bytes // MIB)


def gib(size_bytes: float) -> float:
    """*size_bytes* in GiB."""
    return size_bytes / GIB


def counted(number: int, one: str, many: str = "") -> str:
    """So many of something: `1 host`, `3 hosts`; `1 copy`, `2 copies` where *many* is not *one* with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def first_few(names: Sequence[str], shown: int, *, between: str = ", ", more: str = " and {} more") -> str:
    """The first *shown* of *names*, and how many *more* there are: `ash, beech and 3 more`."""
    left = len(names) - shown
    return between.join(names[:shown]) + (more.format(left) if left > 0 else "")


def size_in_words(size_bytes: float) -> str:
    """A size as people read it: `512 MiB`, `3.5 GiB`."""
    if size_bytes < GIB:
        return f"{size_bytes / MIB:.0f} MiB"
    return f"{size_bytes / GIB:.1f} GiB"
