"""Recorded days: each hour of each day that is looked back is a slot, so that VMs peak together as they did."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand.window import HOUR, HOURS_OF_DAY, Window
from rebalancer.slots import RecordedDay

WEEK = 7
FINEST = 1000
"""The weight of a day whose age does not count: weights are whole, so that the solver counts them exactly."""
KNOWN_SHARE = 0.5
"""A day with fewer points than this share of the best known one has is left out: it would be made up."""


class DaySettings(Protocol):
    """What the policy says about recorded days; see its section `demand`."""

    @property
    def half_life_days(self) -> float | None:
        """After how many days a day counts half; None where all count alike."""

    @property
    def same_weekday(self) -> bool:
        """Whether only days count that begin whole weeks before the window's end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayChoice:
    """The days that count, and the hours of the window that they are, shape (slots,)."""

    days: tuple[RecordedDay, ...]
    hours: NDArray[np.int64]


def recorded_days(means: NDArray[np.float64], window: Window, settings: DaySettings) -> DayChoice:
    """Which days of *window* count and how much, oldest first.

    A day begins whole days before the window's end. Days of which little is known are left out. Where *settings* want
    the same weekday and fewer than two such days are known, all days count.

    Args:
        means: hourly means, NaN where missing, shape (VMs, hours).
        window: whole days.
        settings: section `demand` of the policy.
    """
    points = (~np.isnan(means)).sum(axis=0).reshape(-1, HOURS_OF_DAY).sum(axis=1)
    ages = np.arange(len(points), 0, -1)
    known = points >= KNOWN_SHARE * points.max(initial=0)
    alike = known & (ages % WEEK == 0)
    kept = np.flatnonzero(alike if settings.same_weekday and alike.sum() > 1 else known)
    weights = _weights(ages[kept], settings.half_life_days)
    starts = (window.start + int(day) * HOURS_OF_DAY * HOUR for day in kept)
    days = tuple(RecordedDay(start=start, weight=weight) for start, weight in zip(starts, weights, strict=True))
    return DayChoice(days=days, hours=(kept[:, None] * HOURS_OF_DAY + np.arange(HOURS_OF_DAY)).reshape(-1))


def _weights(ages: NDArray[np.int64], half_life_days: float | None) -> list[int]:
    """Whole weights of days that are *ages* days old, the youngest one day; without a common factor."""
    if half_life_days is None:
        return [1] * len(ages)
    exact = FINEST * np.power(0.5, (ages - 1) / half_life_days)
    whole = np.maximum(np.rint(exact), 1).astype(np.int64).tolist()
    common = reduce(gcd, whole, 0)
    return [weight // common for weight in whole]


def filled_days(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """*means* with the hours that are missing taken from the nearest day that has them, the later one of two.

    Args:
        means: shape (rows, hours of whole days).

    Returns:
        The same shape; NaN where an hour of the day is missing on all days.
    """
    known = means.reshape(len(means), -1, HOURS_OF_DAY)
    days, filled = known.shape[1], known.copy()
    for distance in range(1, days):
        if not np.isnan(filled).any():
            break
        later, earlier = np.full_like(known, np.nan), np.full_like(known, np.nan)
        later[:, :-distance] = known[:, distance:]
        earlier[:, distance:] = known[:, :-distance]
        nearest = np.where(np.isnan(later), earlier, later)
        filled = np.where(np.isnan(filled), nearest, filled)
    return filled.reshape(means.shape)
