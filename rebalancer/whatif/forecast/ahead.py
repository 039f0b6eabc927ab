"""Days to come of a daily series: a local level with a steady trend, and the interval that its noise leaves.

A structural time-series model (Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989), fitted
by statsmodels. docs/forecast.md compares it with others by rolling origin on recorded load.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rebalancer.errors import MissingExtra

MODEL = "lldtrend"
"""Local level with deterministic trend, as statsmodels calls it."""
COVERAGE = 0.8
STEADY = 1e-6
"""Below this share of its mean, a series does not change."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ahead:
    """Days to come, the first one the day after the last that is known; each of shape (days,).

    Four of five values are to be between `low` and `high`.
    """

    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def ahead(values: NDArray[np.float64], days: int, model: str = MODEL) -> Ahead:
    """The *days* after *values*, one a day, NaN where a day is not known.

    Args:
        values: at least some that are known.
        days: how many.
        model: which one, as `statsmodels.tsa.statespace.structural.UnobservedComponents` calls it.

    Raises:
        MissingExtra: statsmodels is not installed.
    """
    scale = float(np.nanmean(np.abs(values)))
    if scale == 0 or np.nanstd(values) < STEADY * scale:
        flat = np.full(days, np.nanmean(values))
        return Ahead(middle=flat, low=flat, high=flat)
    try:
        from statsmodels.tsa.statespace.structural import UnobservedComponents  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtra("forecast", "statsmodels", "forecast") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says when a fit is not sharp; the interval is as wide then as it has to be
        fitted = UnobservedComponents(values / scale, model).fit(disp=0)
        found = fitted.get_forecast(days)
        low, high = np.asarray(found.conf_int(alpha=1 - COVERAGE)).T * scale
    middle = np.asarray(found.predicted_mean) * scale
    return Ahead(middle=np.maximum(middle, 0.0), low=np.maximum(low, 0.0), high=np.maximum(high, 0.0))
