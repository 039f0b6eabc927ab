"""Answers to planners: how many more fit on each host, and which VMs stay down where hosts die."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rebalancer.plots.axes import COLOURS, GREY, HEAT, axes_of

LONGEST = 60
"""Characters of what ends a host's room, at most."""
PAIR = 2
COMMA = ", "


def plot_fit(hosts: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """How many more VMs start on each host, kind by kind, and what ends it there.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.fit(model, rb.Shape(vcpus=4, memory_gib=8, load=1.0), rearrange=False, seconds=1)
        >>> rb.plots.plot_fit(rb.frames.fit_frame(found)).get_xlabel()
        'VMs that start there'

    Args:
        hosts: `fit_frame` of an answer.
        ax: where to draw; a new figure by default.
    """
    starts = hosts.pivot_table(index="host", columns="kind", values="starts", sort=False)
    axis, before = axes_of(ax, 9, 0.4 * len(starts) + 1.2), np.zeros(len(starts))
    for kind, colour in zip(starts, COLOURS, strict=False):
        axis.barh(starts.index, starts[kind], left=before, color=colour, label=str(kind))
        before = before + starts[kind].to_numpy()
    ends = hosts.drop_duplicates("host").set_index("host")["ends"]
    for row, (host, total) in enumerate(zip(starts.index, before, strict=True)):
        axis.annotate(_cut(str(ends[host])), (total, row), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axis.set(xlabel="VMs that start there", xlim=(0, max(1.0, before.max()) * 2.2))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.invert_yaxis()
    axis.legend(loc="lower right")
    return axis


def plot_failures(failures: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Where one host dies, a bar for each: VMs that restart, and that stay down; where two die, a map of the latter.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> one, two = (rb.frames.failures_frame(rb.failures(model, hosts)) for hosts in (1, 2))
        >>> rb.plots.plot_failures(one).get_xlabel(), rb.plots.plot_failures(two).get_ylabel()
        ('VMs of the host that dies', 'together with')

    Args:
        failures: `failures_frame` of the death of single hosts, or of pairs.
        ax: where to draw; a new figure by default.

    Raises:
        ValueError: more than two hosts die together: no map has so many sides.
    """
    rows = failures.assign(down=failures["vm"] != "").groupby("host_uuids", sort=False)
    down = rows.agg({"hosts": "first", "guests": "first", "down": "sum"})
    sides = max((len(uuids.split(COMMA)) for uuids in down.index), default=1)
    if sides > PAIR:
        raise ValueError(f"{sides} hosts die together, and a map has two sides: look at the frame")
    return _bars(down, ax) if sides < PAIR else _map(down, ax)


def _bars(down: pd.DataFrame, ax: Axes | None) -> Axes:
    axis, restart = axes_of(ax, 7, 0.35 * len(down) + 1.2), down["guests"] - down["down"]
    axis.barh(down["hosts"], restart, color=GREY, label="restart")
    axis.barh(down["hosts"], down["down"], left=restart, color=COLOURS[5], hatch="//", label="stay down")
    axis.set(xlabel="VMs of the host that dies")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.invert_yaxis()
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return axis


def _map(down: pd.DataFrame, ax: Axes | None) -> Axes:
    pairs = [_pair(uuids, names) for uuids, names in zip(down.index, down["hosts"], strict=True)]
    hosts = list(dict.fromkeys(host for pair in pairs for host in pair))
    cells = np.full((len(hosts), len(hosts)), np.nan)
    for (one, other), count in zip(pairs, down["down"], strict=True):
        row, column = sorted((hosts.index(one), hosts.index(other)), reverse=True)
        cells[row, column] = count
    axis = axes_of(ax, 0.5 * len(hosts) + 2.5, 0.5 * len(hosts) + 1.5)
    top = max(1.0, float(np.nanmax(cells, initial=0.0)))
    image = axis.imshow(cells, cmap=HEAT, vmin=0, vmax=top)
    for row, column in np.argwhere(~np.isnan(cells)):
        value = cells[row, column]
        axis.text(
            column, row, f"{value:.0f}", ha="center", va="center", color="white" if value > top * 0.6 else "black"
        )
    axis.set_xticks(range(len(hosts)), hosts, rotation=45, ha="right")
    axis.set_yticks(range(len(hosts)), hosts)
    axis.set(xlabel="host that dies", ylabel="together with")
    axis.figure.colorbar(image, ax=axis, label="VMs that stay down", ticks=MaxNLocator(integer=True))
    return axis


def _pair(uuids: str, names: str) -> list[str]:
    """What the two hosts are called; their uuids where there are commas in a name."""
    called = names.split(COMMA)
    return called if len(called) == PAIR else uuids.split(COMMA)


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
