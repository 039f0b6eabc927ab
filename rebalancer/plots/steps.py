"""Plans as pictures: when each step runs, and where the VMs end."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from rebalancer.plots.axes import COLOURS, DARK, GREY, axes_of

MINUTES = 180
"""Seconds from which on a timetable counts in minutes."""


def plot_gantt(steps: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """A bar a step from its start to its end, by the plan's estimate; steps out of one host share a colour.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> rb.plots.plot_gantt(rb.frames.steps_frame(plan)).get_xlabel()
        'seconds from the start'

    Args:
        steps: `steps_frame` of a plan.
        ax: where to draw; a new figure by default.
    """
    axis = axes_of(ax, 8, 0.3 * len(steps) + 1.2)
    ends = steps["start_seconds"] + steps["seconds"]
    unit, name = (60, "minutes") if ends.max() > MINUTES else (1, "seconds")
    sources = {host: COLOURS[number % len(COLOURS)] for number, host in enumerate(sorted(set(steps["from"])))}
    places = range(len(steps))
    axis.barh(
        places,
        steps["seconds"] / unit,
        left=steps["start_seconds"] / unit,
        color=[sources[host] for host in steps["from"]],
    )
    labels = [f"{step}  {row.vm}" for step, row in zip(steps.index, steps.itertuples(), strict=True)]
    for place, source, target, end in zip(places, steps["from"], steps["to"], ends, strict=True):
        axis.annotate(
            f"{source} > {target}", (end / unit, place), (4, 0), textcoords="offset points", va="center", fontsize=8
        )
    axis.set(
        yticks=places, yticklabels=labels, xlabel=f"{name} from the start", xlim=(0, ends.max() / unit * 1.25 or 1)
    )
    axis.invert_yaxis()
    axis.legend(
        handles=[Patch(color=colour, label=f"out of {host}") for host, colour in sources.items()], frameon=False
    )
    return axis


def plot_placement(placement: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """VMs as tiles on their hosts after a plan: those that came are filled and named, those that left are outlined.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> axis = rb.plots.plot_placement(rb.frames.placement_frame(plan))
        >>> [label.get_text() for label in axis.get_yticklabels()]
        ['alder', 'ash', 'aspen', 'beech', 'birch']

    Args:
        placement: `placement_frame` of a plan.
        ax: where to draw; a new figure by default.
    """
    hosts = sorted({*placement["before"], *placement["after"]})
    rows = {host: _tiles(placement, host) for host in hosts}
    widest = max(len(tiles) for tiles in rows.values())
    axis = axes_of(ax, max(6.0, 0.5 * widest + 1.5), 0.55 * len(hosts) + 1.2)
    for height, tiles in enumerate(rows.values()):
        for place, (name, kind) in enumerate(tiles):
            axis.add_patch(Rectangle((place, height - 0.4), 0.9, 0.8, **STYLES[kind]))
            if kind != "stays":
                axis.annotate(name, (place + 0.45, height), ha="center", va="center", fontsize=6, rotation=20)
    handles = [Patch(**style, label=kind) for kind, style in STYLES.items()]
    axis.legend(handles=handles, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axis.set(yticks=range(len(hosts)), yticklabels=hosts, xlabel="VMs", xlim=(0, widest), ylim=(len(hosts) - 0.4, -0.6))
    return axis


STYLES: Final[dict[str, dict[str, Any]]] = {
    "stays": {"facecolor": GREY, "edgecolor": "white"},
    "came": {"facecolor": COLOURS[1], "edgecolor": "black", "linewidth": 2},
    "left": {"facecolor": "white", "edgecolor": DARK, "linestyle": "--"},
}
"""How tiles look; thick and dashed edges tell them apart without colour."""


def _tiles(placement: pd.DataFrame, host: str) -> list[tuple[str, str]]:
    """The VMs that stay on a host, that came to it, and that left it."""
    here, gone = placement[placement["after"] == host], placement[placement["before"] == host]
    stays, came, left = here[~here["moves"]], here[here["moves"]], gone[gone["moves"]]
    parts = {"stays": stays, "came": came, "left": left}
    return [(name, kind) for kind, part in parts.items() for name in sorted(part["vm"])]
