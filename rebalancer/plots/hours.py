"""Hours along an axis: midnights of recorded days, or times of day, so few that they can be read."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

DAYS = 2
"""Midnights from which on they are the ticks."""


def mark_hours(axis: Axes, hours: pd.Index[Any], most: int = 12) -> None:
    """Ticks of an axis of numbered *hours*, at most so many."""
    midnights = _midnights(hours)
    if len(midnights) >= DAYS:
        _mark(axis, {number: f"{hours[number]:%d %b}" for number in midnights}, most, rotation=0)
    elif isinstance(hours, pd.DatetimeIndex):
        _mark(axis, {number: f"{each:%d %b %H:%M}" for number, each in enumerate(hours)}, most, rotation=45)
    else:
        _mark(axis, {number: str(each) for number, each in enumerate(hours)}, most, rotation=0)


def _midnights(hours: pd.Index[Any]) -> list[int]:
    """Where a day begins, in the zone of *hours*; none where they are times of day."""
    if not isinstance(hours, pd.DatetimeIndex):
        return []
    return [number for number, (last, each) in enumerate(pairwise(hours), start=1) if last.date() != each.date()]


def _mark(axis: Axes, labels: dict[int, str], most: int, *, rotation: int) -> None:
    every = max(1, -(-len(labels) // most))
    ticks = list(labels)[::every]
    axis.set_xticks(ticks, [labels[tick] for tick in ticks], rotation=rotation, rotation_mode="anchor")
    plt.setp(axis.get_xticklabels(), ha="right" if rotation else "center")
