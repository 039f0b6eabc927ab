"""Hosts before and after a plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from rebalancer.plots.axes import COLOURS, GREY, axes_of, mark_threshold

WIDTH = 0.38
"""Of a bar, where hosts are 1 apart."""


def plot_change(hosts: pd.DataFrame, *, threshold: float, ax: Axes | None = None) -> Axes:
    """Each host before and after a plan, beside each other: CPU in the busiest hour, or memory where that is unknown.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> hosts = rb.frames.change_frame(plan)
        >>> rb.plots.plot_change(hosts, threshold=0.75).get_ylabel()
        'busiest hour / CPU capacity'

    Args:
        hosts: `change_frame` of a plan.
        threshold: share of CPU capacity above which an hour is overloaded.
        ax: where to draw; a new figure by default.
    """
    what = "memory" if hosts["cpu_share_after"].isna().all() else "cpu"
    axis, places = axes_of(ax, max(7.0, 0.5 * len(hosts)), 3.5), np.arange(len(hosts))
    axis.bar(places - WIDTH / 2, hosts[f"{what}_share_before"], WIDTH, label="now", color=GREY)
    axis.bar(places + WIDTH / 2, hosts[f"{what}_share_after"], WIDTH, label="after the plan", color=COLOURS[0])
    axis.set_xticks(places, list(hosts.index))
    axis.set_ylabel({"cpu": "busiest hour / CPU capacity", "memory": "memory of VMs / memory"}[what])
    if what == "cpu":
        mark_threshold(axis, threshold)
    axis.legend()
    return axis
