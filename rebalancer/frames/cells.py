"""How figures stand in cells: GiB and shares, rounded to what anybody reads; what is not known is missing."""

from __future__ import annotations

from rebalancer.units import gib

GIB_DECIMALS = 3
SHARE_DECIMALS = 4
PCPU_DECIMALS = 4


def gib_cell(size_bytes: float | None) -> float | None:
    """A size in GiB, to a MiB."""
    return None if size_bytes is None else round(gib(size_bytes), GIB_DECIMALS)


def share_cell(part: float | None, whole: float | None = 1.0) -> float | None:
    """*part* as a share of *whole*, to a hundredth of a per cent."""
    return round(part / whole, SHARE_DECIMALS) if whole and part is not None else None


def rounded_cell(value: float | None, decimals: int = PCPU_DECIMALS) -> float | None:
    """*value* with so many decimals."""
    return None if value is None else round(value, decimals)
