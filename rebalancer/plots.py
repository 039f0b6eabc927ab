"""Values as matplotlib axes."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes


def plot_loads(before: pd.DataFrame, after: pd.DataFrame, *, threshold: float) -> tuple[Axes, Axes]:
    """Two heat maps of host load (hosts x slots, share of capacity) on one scale, whatever is over *threshold* framed.

    Args:
        before: `load_frame` of the placement now.
        after: `load_frame` of the planned placement.
        threshold: share of capacity above which a slot is overloaded.
    """
    figure, axes = plt.subplots(1, 2, figsize=(11, 0.45 * len(before) + 1.6), sharey=True, layout="constrained")
    top = max(1.0, float(before.to_numpy().max()), float(after.to_numpy().max()))
    for axis, loads, title in zip(axes, (before, after), ("now", "after the plan"), strict=True):
        image = axis.imshow(loads.to_numpy(), aspect="auto", vmin=0, vmax=top, cmap="YlOrRd")
        over_host, over_slot = (loads.to_numpy() > threshold).nonzero()
        axis.scatter(over_slot, over_host, marker="s", s=40, facecolors="none", edgecolors="black", linewidths=1)
        axis.set(title=title, xlabel=_told(loads), yticks=range(len(loads)), yticklabels=loads.index)
    figure.colorbar(image, ax=axes, label=f"load / capacity (framed: above {threshold:.0%})")
    return axes[0], axes[1]


def _told(loads: pd.DataFrame) -> str:
    """What the columns are: slots, or the hours of so many recorded days."""
    name = loads.columns.name
    return f"hour, from {loads.columns[0]:%d %b %H:%M} on" if name == "hour" else str(name)


def plot_change(hosts: pd.DataFrame, *, threshold: float) -> Axes:
    """Each host before and after a plan, beside each other: CPU in the busiest slot, or memory where that is unknown.

    Args:
        hosts: `change_frame` of a plan.
        threshold: share of CPU capacity above which a slot is overloaded.
    """
    what = "memory" if hosts["cpu_share_after"].isna().all() else "cpu"
    bars = hosts[[f"{what}_share_before", f"{what}_share_after"]].set_axis(["now", "after the plan"], axis="columns")
    axis = bars.plot.bar(figsize=(7, 3.5), rot=0, xlabel="")
    axis.set_ylabel({"cpu": "busiest slot / CPU capacity", "memory": "memory of VMs / memory"}[what])
    if what == "cpu":
        axis.axhline(threshold, linestyle=":", color="grey", label=f"threshold ({threshold:.0%})")
    axis.legend()
    return axis


def plot_tradeoff(points: pd.DataFrame, *, cost: str = "gib") -> Axes:
    """Load cost against what it takes, with the bound below and the knee marked.

    Args:
        points: `tradeoff_frame` of a curve.
        cost: the column to hold the load cost against, `gib` or `moves`.
    """
    _, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.step(points[cost], points["load_cost"], where="post", marker="o", label="best found")
    below = "none that pays as much is below"
    axis.step(points[cost], points["bound"], where="post", linestyle=":", color="grey", label=below)
    knee = points[points["knee"]]
    axis.scatter(knee[cost], knee["load_cost"], s=160, facecolors="none", edgecolors="black", label="knee", zorder=3)
    units = {"gib": "GiB copied", "moves": "VMs moved"}
    axis.set(xlabel=units[cost], ylabel="load cost (weighted pCPU-hours)")
    axis.legend()
    return axis
