"""How far a value is from its bound."""

from __future__ import annotations

NEGLIGIBLE = 1e-9
"""Differences of objectives below this are float noise."""


def gap_of(value: float, bound: float, *, proved: bool) -> float:
    """The distance of *value* from *bound* as a share of the larger; 0 where *value* is *proved* or meets the bound."""
    distance = abs(value - bound)
    return 0.0 if proved or distance <= NEGLIGIBLE else distance / max(abs(value), abs(bound))
