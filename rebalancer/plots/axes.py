"""Axes to draw on, and colours that colour-blind people tell apart."""

from __future__ import annotations

from typing import Final

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""Okabe and Ito, Color Universal Design (2008)."""
GREY: Final = "#BBBBBB"
DARK: Final = "#555555"
HEAT: Final = "YlOrRd"
"""Light to dark, so that it reads in grey, too (ColorBrewer, colour-blind safe)."""


def axes_of(ax: Axes | None, width: float, height: float) -> Axes:
    """*ax*, or that of a new figure of so many inches."""
    return ax if ax is not None else plt.subplots(figsize=(width, height), layout="constrained")[1]


def mark_threshold(axis: Axes, threshold: float) -> None:
    """A dotted line at a share of CPU capacity, named in the legend."""
    axis.axhline(threshold, linestyle=":", color=DARK, label=f"threshold ({threshold:.0%})")
