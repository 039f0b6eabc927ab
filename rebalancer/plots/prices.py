"""What rules, groups and limits cost."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rebalancer.plots.axes import COLOURS, DARK, GREY, axes_of

SHOWN: Final = 15
"""Bars at most; the others cost less."""
OVERLOAD, AT_MOST, GIB = "overload_pcpu_hours_saved", "overload_pcpu_hours_saved_at_most", "copied_gib_saved"
NOBODYS: Final[dict[str, Any]] = {"facecolor": GREY, "edgecolor": DARK, "hatch": "//"}
"""How bars look of rules that nobody may relax; hatched, to be told without colour."""


def plot_prices(prices: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """A bar for each rule, group or limit that costs anything: overload saved without it, what it copies in words.

    A thin line reaches to what is saved at most. Where none costs overload, bars are GiB. What is proved to cost
    nothing has no bar.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.plots.plot_prices(rb.prices(model, seconds=0.1, workers=1)).get_xlabel()
        'overload saved without it (pCPU-hours)'

    Args:
        prices: the frame of `rb.prices`.
        ax: where to draw; a new figure by default.
    """
    known = prices.assign(**prices[[OVERLOAD, AT_MOST, GIB]].fillna(0.0))
    unsure = ~known["proved"] & (known[AT_MOST] != 0)
    costs = known[(known[[OVERLOAD, GIB]] != 0).any(axis=1) | unsure][:SHOWN]
    by_load = bool((costs[OVERLOAD] != 0).any() or unsure.any())
    drawn, ends = (costs[OVERLOAD], costs[AT_MOST]) if by_load else (costs[GIB], costs[GIB])
    axis, places = axes_of(ax, 8, 0.36 * len(costs) + 1.8), range(len(costs))
    for bar, relaxable in zip(axis.barh(places, drawn, color=COLOURS[0], height=0.7), costs["relaxable"], strict=True):
        if not relaxable:
            bar.set(**NOBODYS)
    axis.hlines(places, drawn, ends, color=DARK, linewidth=1)
    for place, end, gib in zip(places, ends.clip(lower=drawn), costs[GIB] if by_load else (), strict=False):
        axis.annotate(_copied(gib), (end, place), (5, 0), textcoords="offset points", va="center", fontsize=8)
    unit = "overload saved without it (pCPU-hours)" if by_load else "copied less without it (GiB)"
    axis.set(yticks=places, yticklabels=costs.index, xlabel=unit)
    axis.margins(x=0.3 if by_load else 0.05)
    axis.invert_yaxis()
    axis.axvline(0, color="black", linewidth=0.8)
    handles = _legend(by_load=by_load)
    axis.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(handles), frameon=False)
    return axis


def _copied(gib: float) -> str:
    return f"{gib:.1f} GiB less" if gib > 0 else f"{-gib:.1f} GiB more" if gib < 0 else ""


def _legend(*, by_load: bool) -> list[Patch | Line2D]:
    handles: list[Patch | Line2D] = [
        Patch(color=COLOURS[0], label="may be relaxed"),
        Patch(label="XAPI's own", **NOBODYS),
    ]
    return [*handles, Line2D([], [], color=DARK, linewidth=1, label="saved at most")] if by_load else handles
