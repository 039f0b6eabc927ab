"""Load curves: a host with its VMs stacked, and for how long hosts are how busy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from rebalancer.plots.axes import COLOURS, DARK, GREY, axes_of, mark_threshold
from rebalancer.plots.hours import mark_hours

SHOWN = len(COLOURS) - 1
"""VMs or hosts that have a colour of their own; the others are one grey together."""


def plot_host(host: str, hosts: pd.DataFrame, vms: pd.DataFrame, *, threshold: float, ax: Axes | None = None) -> Axes:
    """The load of a host by the hour, its busiest VMs stacked upon what it needs itself, below its capacity.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> hosts, vms = rb.frames.host_demand_frame(model.problem), rb.frames.demand_frame(model.problem)
        >>> rb.plots.plot_host("ash", hosts, vms, threshold=0.75).get_ylabel()
        'load (pCPUs)'

    Args:
        host: its name.
        hosts: `host_demand_frame`.
        vms: `demand_frame` of the same placement.
        threshold: share of capacity above which an hour is overloaded.
        ax: where to draw; a new figure by default.
    """
    mine, load = vms[vms["host"] == host], hosts[hosts["host"] == host]
    wide = mine.pivot_table(index="time", columns=["vm_uuid", "vm"], values="pcpu", sort=False)
    wide = wide[wide.sum().sort_values(ascending=False).index]
    others = wide.iloc[:, SHOWN:].sum(axis=1).reindex(load["time"], fill_value=0.0)
    parts = {"the host itself": load["own_pcpu"], f"{max(0, wide.shape[1] - SHOWN)} other VMs": others}
    shown = wide.columns.get_level_values("vm")[:SHOWN]
    parts |= {str(name): wide.iloc[:, number] for number, name in enumerate(shown)}
    axis = axes_of(ax, 8, 3.6)
    axis.stackplot(
        range(len(load)),
        *(part.to_numpy() for part in parts.values()),
        labels=list(parts),
        colors=(DARK, GREY, *COLOURS),
    )
    capacity = float(load["of_pcpus"].iloc[0])
    axis.axhline(capacity, color="black", label=f"capacity ({capacity:g} pCPUs)")
    axis.axhline(threshold * capacity, linestyle=":", color="black", label=f"threshold ({threshold:.0%})")
    axis.set(
        title=host,
        ylabel="load (pCPUs)",
        xlabel=f"time ({load['timezone'].iloc[0]})",
        xlim=(0, max(1, len(load) - 1)),
        ylim=(0, None),
    )
    mark_hours(axis, pd.Index(load["time"]))
    handles, labels = axis.get_legend_handles_labels()
    axis.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return axis


def plot_duration(loads: pd.DataFrame, *, threshold: float, ax: Axes | None = None) -> Axes:
    """For each host, in which share of the hours it is at least so busy; the busiest hosts have a colour.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.plots.plot_duration(rb.frames.load_frame(model.problem), threshold=0.75).get_xlabel()
        'share of the hours (%)'

    Args:
        loads: `load_frame` of a placement.
        threshold: share of capacity above which an hour is overloaded.
        ax: where to draw; a new figure by default.
    """
    axis = axes_of(ax, 7, 3.6)
    ranked = loads.loc[loads.max(axis=1).sort_values(ascending=False).index]
    share = np.arange(loads.shape[1] + 1) / loads.shape[1] * 100
    for number, (host, row) in enumerate(ranked.iterrows()):
        curve = np.sort(row.to_numpy())[::-1]
        shown = number < SHOWN
        style = {"color": COLOURS[number]} if shown else {"color": GREY, "linewidth": 0.8}
        axis.step(share, [*curve, curve[-1]], where="post", label=str(host) if shown else None, **style)
    mark_threshold(axis, threshold)
    axis.set(xlabel="share of the hours (%)", ylabel="load / CPU capacity, at least", xlim=(0, 100), ylim=(0, None))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return axis
