"""A resource day by day, and the fan of what is to come."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from rebalancer.plots.axes import COLOURS, DARK, axes_of


def plot_forecast(days: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What is known, what is to come with its interval, and the limit.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> days = rb.forecast(model, "traces.csv").days()
        >>> rb.plots.plot_forecast(days[days.resource == "cpu"]).get_ylabel()
        'cpu (pCPUs)'

    Args:
        days: `course_days_frame`, of one resource.
        ax: where to draw; a new figure by default.
    """
    axis = axes_of(ax, 8, 3.6)
    axis.plot(days["day"], days["value"], color="black", marker=".", label="known")
    axis.plot(days["day"], days["middle"], color=COLOURS[0], linestyle="--", label="to come")
    axis.fill_between(days["day"], days["low"], days["high"], color=COLOURS[4], alpha=0.4, label="4 of 5 days")
    limit, unit, resource = days["limit"].iloc[0], days["unit"].iloc[0], days["resource"].iloc[0]
    axis.axhline(limit, color=DARK, linestyle=":", label=f"limit ({limit:.0f} {unit})")
    axis.set(ylabel=f"{resource} ({unit})", xlabel="day", ylim=(0, None))
    axis.tick_params(axis="x", rotation=30)
    axis.legend(loc="lower left", frameon=False)
    return axis
