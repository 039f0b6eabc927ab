"""Heat maps: hosts x hours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from rebalancer.plots.axes import HEAT, axes_of
from rebalancer.plots.hours import mark_hours


def plot_load(loads: pd.DataFrame, *, threshold: float, ax: Axes | None = None) -> Axes:
    """A heat map of host load (hosts x hours, share of capacity), whatever is over *threshold* framed.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.plots.plot_load(rb.frames.load_frame(model.problem), threshold=0.75).get_xlabel()
        'time (UTC)'

    Args:
        loads: `load_frame` of a placement.
        threshold: share of capacity above which an hour is overloaded.
        ax: where to draw; a new figure by default.
    """
    axis = axes_of(ax, 7, 0.4 * len(loads) + 1.5)
    image = _map(axis, loads, threshold, _top(loads))
    axis.figure.colorbar(image, ax=axis, label=_scale(threshold))
    return axis


def plot_loads(
    before: pd.DataFrame, after: pd.DataFrame, *, threshold: float, axes: tuple[Axes, Axes] | None = None
) -> tuple[Axes, Axes]:
    """Two heat maps of host load (hosts x hours, share of capacity) on one scale, what is over *threshold* framed.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> before = rb.frames.load_frame(model.problem)
        >>> after = rb.frames.load_frame(model.problem, plan.predicted)
        >>> [axis.get_title() for axis in rb.plots.plot_loads(before, after, threshold=0.75)]
        ['now', 'after the plan']

    Args:
        before: `load_frame` of the placement now.
        after: `load_frame` of the planned placement.
        threshold: share of capacity above which an hour is overloaded.
        axes: where to draw; a new figure by default.
    """
    size = (11, 0.45 * len(before) + 1.6)
    left, right = axes or plt.subplots(1, 2, figsize=size, sharey=True, layout="constrained")[1]
    top = max(_top(before), _top(after))
    for axis, loads, title in zip((left, right), (before, after), ("now", "after the plan"), strict=True):
        image = _map(axis, loads, threshold, top, ticks=6)
        axis.set_title(title)
    left.figure.colorbar(image, ax=[left, right], label=_scale(threshold))
    return left, right


def _top(loads: pd.DataFrame) -> float:
    return max(1.0, float(np.nanmax(loads.to_numpy(), initial=0.0)))


def _scale(threshold: float) -> str:
    return f"share of CPU capacity\n(framed: above {threshold:.0%})"


def _map(axis: Axes, loads: pd.DataFrame, threshold: float, top: float, ticks: int = 12) -> AxesImage:
    values = loads.to_numpy()
    image = axis.imshow(values, aspect="auto", vmin=0, vmax=top, cmap=HEAT, interpolation="nearest")
    over_host, over_slot = (values > threshold).nonzero()
    axis.scatter(over_slot, over_host, marker="s", s=36, facecolors="none", edgecolors="black", linewidths=1)
    axis.set(xlabel=_clock(loads.columns), yticks=range(len(loads)), yticklabels=loads.index)
    mark_hours(axis, loads.columns, ticks)
    return image


def _clock(columns: pd.Index[Any]) -> str:
    """What columns of a load frame tell, and in which zone."""
    return f"time ({columns.tz})" if isinstance(columns, pd.DatetimeIndex) else str(columns.name)
