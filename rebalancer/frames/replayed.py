"""Replayed weeks as DataFrames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from rebalancer.frames.cells import rounded_cell, share_cell
from rebalancer.whatif.replay import DAYS_OF_WEEK, SHARES, Replay, ReplayedNight, Summary, by_week, summary_of


def replay_frame(found: Replay, each: Literal["contender", "week", "night"] = "contender") -> pd.DataFrame:
    """One row a contender of a replay, or a week or night of one: load with it and without, and what it cost.

    Overload is counted from 75 % of the hosts' pCPUs on for all alike, whatever the threshold of a policy, and with
    regret in pCPU-hours; `above_75_hours` in host-hours. `worst_share` is the busiest host-hour as a
    share of the host's pCPUs; `moved_most` the VM that moved most often; regret is NaN where nobody asked. The index
    is the contender's name, and the number of the week or night from 1; `begins` is the first midnight, UTC.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> found = rb.replay(state, "traces.csv", nights=2, seconds=1, regret=False)
        >>> rb.frames.replay_frame(found).loc["nothing", ["moves", "gib"]].tolist()
        [0.0, 0.0]
        >>> rb.frames.replay_frame(found, "night").loc["nothing"].index.tolist()
        [1, 2]
    """
    parts = {"contender": lambda nights: (summary_of(nights),), "week": by_week, "night": _by_night}
    long = {"contender": len(found.nights), "week": DAYS_OF_WEEK, "night": 1}[each]
    rows = [
        {each: number, "contender": name, **_judged(found, row), "begins": found.of(name)[(number - 1) * long].at}
        for name in found.contenders
        for number, row in enumerate(parts[each](found.of(name)), start=1)
    ]
    return pd.DataFrame(rows).set_index(["contender"] if each == "contender" else ["contender", each])


def _by_night(nights: Sequence[ReplayedNight]) -> tuple[Summary, ...]:
    return tuple(summary_of([night]) for night in nights)


def _judged(found: Replay, row: Summary) -> dict[str, object]:
    above = {f"above_{share * 100:.0f}_hours": hours for share, hours in zip(SHARES, row.hours_above, strict=True)}
    without = zip(SHARES, row.hours_above_without, strict=True)
    often = row.often[0][0] if row.often else None
    return {
        "overload_pcpu_hours": rounded_cell(row.overload),
        "overload_without_pcpu_hours": rounded_cell(row.overload_without),
        "least_overload_pcpu_hours": rounded_cell(row.least_overload),
        **above,
        **{f"above_{share * 100:.0f}_without_hours": hours for share, hours in without},
        "worst_share": share_cell(row.worst_share),
        "worst_host": None if row.worst_host is None else found.host_names[row.worst_host],
        "moves": row.moves,
        "gib": rounded_cell(row.gib),
        "most_moves": row.most_moves,
        "moved_most": None if often is None else found.vm_names[often],
        "unplanned": row.unplanned,
        "regret_least_pcpu_hours": None if row.regret is None else rounded_cell(row.regret[0]),
        "regret_most_pcpu_hours": None if row.regret is None else rounded_cell(row.regret[1]),
        "worst_host_uuid": row.worst_host,
        "moved_most_vm_uuid": often,
    }
