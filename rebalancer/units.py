"""The one place that converts and rounds: demand up, capacity down.

Exact values (bytes, float pCPU) live everywhere else; the solver works on the integers made here. Rounding
demand up and capacity down means that whatever fits in the integers fits in reality.
"""

from __future__ import annotations

import math

KIB = 1024
MIB = 1024**2
GIB = 1024**3
SECONDS_PER_HOUR = 3600
MILLI = 1000


def demand_mib(size_bytes: int) -> int:
    """Whole MiB that surely hold *size_bytes*."""
    return -(-size_bytes // MIB)


def capacity_mib(size_bytes: int) -> int:
    """Whole MiB that *size_bytes* surely offers."""
    return size_bytes // MIB


def gib(size_bytes: float) -> float:
    """*size_bytes* in GiB."""
    return size_bytes / GIB


def demand_milli(pcpu: float) -> int:
    """Thousandths of a pCPU that surely cover *pcpu*."""
    return math.ceil(round(pcpu * MILLI, 6))


def capacity_milli(pcpu: float) -> int:
    """Thousandths of a pCPU that *pcpu* surely offers."""
    return math.floor(round(pcpu * MILLI, 6))


def counted(number: int, one: str, many: str = "") -> str:
    """So many of something: `1 host`, `3 hosts`; `1 copy`, `2 copies` where *many* is not *one* with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def size_in_words(size_bytes: float) -> str:
    """A size as people read it: `512 MiB`, `3.5 GiB`."""
    if size_bytes < GIB:
        return f"{size_bytes / MIB:.0f} MiB"
    return f"{size_bytes / GIB:.1f} GiB"
