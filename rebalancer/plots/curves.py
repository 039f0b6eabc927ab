"""What less load costs: curves of one night, and policies by what they did in recorded weeks."""

from __future__ import annotations

from itertools import cycle
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from rebalancer.plots.axes import COLOURS, DARK, axes_of
from rebalancer.whatif.replay import SHARES

MARKERS: Final = "osD^vPX*"
"""One more than there are colours, so that no two contenders look alike for long."""


def plot_tradeoff(points: pd.DataFrame, *, cost: str = "gib", ax: Axes | None = None) -> Axes:
    """Load cost against what it takes, with the bound below and the knee marked.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> points = rb.frames.tradeoff_frame(rb.tradeoff(model, seconds=0.1))
        >>> rb.plots.plot_tradeoff(points).get_xlabel()
        'GiB copied'

    Args:
        points: `tradeoff_frame` of a curve.
        cost: the column to hold the load cost against, `gib` or `moves`.
        ax: where to draw; a new figure by default.
    """
    axis = axes_of(ax, 7, 4)
    axis.step(points[cost], points["load_cost"], where="post", marker="o", label="best found", color=COLOURS[0])
    below = "none that pays as much is below"
    axis.step(points[cost], points["bound"], where="post", linestyle=":", color=DARK, label=below)
    knee = points[points["knee"]]
    axis.scatter(knee[cost], knee["load_cost"], s=160, facecolors="none", edgecolors="black", label="knee", zorder=3)
    units = {"gib": "GiB copied", "moves": "VMs moved"}
    axis.set(xlabel=units[cost], ylabel="load cost (weighted pCPU-hours)")
    axis.legend()
    return axis


def plot_replay(contenders: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Contenders of a replay by what they copied and what overload was left; nobody on the line is beaten on both.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> found = rb.replay(state, "traces.csv", nights=2, seconds=1, regret=False)
        >>> rb.plots.plot_replay(rb.frames.replay_frame(found)).get_ylabel()
        'overload above 75% (pCPU-hours)'

    Args:
        contenders: `replay_frame` of a replay, a row a contender.
        ax: where to draw; a new figure by default.
    """
    axis = axes_of(ax, 8, 4)
    best = frontier(contenders)
    axis.step(best["gib"], best["overload_pcpu_hours"], where="post", color=DARK, linestyle=":", label="frontier")
    spots = contenders.groupby(["gib", "overload_pcpu_hours"], sort=False)
    for (_, alike), marker, colour in zip(spots, cycle(MARKERS), cycle(COLOURS), strict=False):
        spot, names = alike.iloc[:1], ", ".join(map(str, alike.index))
        axis.scatter(spot["gib"], spot["overload_pcpu_hours"], marker=marker, color=colour, s=60, zorder=3, label=names)
    least = float(contenders["least_overload_pcpu_hours"].max())
    if least > 0:
        axis.axhline(least, color=DARK, linewidth=0.8, label="least that any placement has")
    top = float(contenders["overload_pcpu_hours"].max()) or 1.0
    axis.set(xlabel="GiB copied", ylabel=f"overload above {SHARES[0]:.0%} (pCPU-hours)", ylim=(-top / 20, top * 1.1))
    axis.margins(x=0.15)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return axis


def frontier(contenders: pd.DataFrame) -> pd.DataFrame:
    """The contenders that nobody beats on both GiB and overload, the cheapest first.

    Example:
        >>> import rebalancer as rb
        >>> import pandas as pd
        >>> rows = {"gib": [0, 8, 9], "overload_pcpu_hours": [20.0, 3.0, 4.0]}
        >>> rb.plots.frontier(pd.DataFrame(rows, index=["nothing", "calm", "eager"])).index.tolist()
        ['nothing', 'calm']
    """
    ranked = contenders.sort_values(["gib", "overload_pcpu_hours"])
    overload = ranked["overload_pcpu_hours"]
    return ranked[overload < np.minimum.accumulate(np.r_[np.inf, overload.to_numpy()[:-1]])]
