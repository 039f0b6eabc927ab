"""Forecasts as DataFrames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rebalancer.frames.cells import rounded_cell
from rebalancer.problem import Problem
from rebalancer.whatif.forecast import Runway, VMFinding


def runway_frame(found: Sequence[Runway]) -> pd.DataFrame:
    """One row a resource: now, limit, days until it is above it, at the earliest and latest, and how far was looked.

    `unit` is that of `now` and `limit`. Days are missing where the limit is not reached in `horizon_days`; four of five
    times it should be between `earliest_days` and `latest_days`.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.forecast(model, "traces.csv")
        >>> rb.frames.runway_frame(found.runways)[["unit", "known_days"]]
                   unit  known_days
        resource
        cpu       pCPUs          14
    """
    rows = [
        {
            "resource": each.course.resource,
            "now": rounded_cell(float(each.course.daily[-1]), 2) if len(each.course.daily) else None,
            "limit": rounded_cell(each.course.limit, 2),
            "unit": each.course.unit,
            "runway_days": each.days,
            "earliest_days": each.earliest,
            "latest_days": each.latest,
            "horizon_days": each.horizon,
            "known_days": each.course.known_days,
            "means": each.course.means,
            "why_not": each.words,
        }
        for each in found
    ]
    frame = pd.DataFrame(rows).set_index("resource")
    days = ["runway_days", "earliest_days", "latest_days"]
    return frame.assign(**{name: frame[name].astype("Int64") for name in days})


def course_days_frame(found: Sequence[Runway]) -> pd.DataFrame:
    """One row a resource and day: what is known in `value`, then `middle`, `low` and `high` of what is to come.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.forecast(model, "traces.csv")
        >>> rb.frames.course_days_frame(found.runways)[["value", "middle"]].count().tolist()
        [14, 28]
    """
    parts = [_days(each) for each in found if len(each.course.daily)]
    columns = ["resource", "day", "value", "middle", "low", "high", "limit", "unit"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _days(found: Runway) -> pd.DataFrame:
    course, to_come = found.course, found.ahead
    days = pd.date_range(course.first, periods=len(course.daily) + found.horizon, freq="D", name="day")
    none = np.full(len(course.daily), np.nan)
    ends = {} if to_come is None else {"middle": to_come.middle, "low": to_come.low, "high": to_come.high}
    columns = {name: np.r_[none, ends.get(name, np.empty(0))].round(3) for name in ("middle", "low", "high")}
    value = np.r_[course.daily, np.full(found.horizon, np.nan)].round(3)
    frame = pd.DataFrame({"value": value, **columns}, index=days).reset_index()
    return frame.assign(resource=course.resource, limit=round(course.limit, 3), unit=course.unit)


def vm_findings_frame(found: Sequence[VMFinding], problem: Problem) -> pd.DataFrame:
    """One row a VM and what is remarkable about it: `kind`, vCPUs, use in pCPUs over so many hours, the evidence.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.forecast(model, "traces.csv")
        >>> rb.frames.vm_findings_frame(found.findings, model.problem)[["vm", "kind", "vcpus", "vcpus_enough"]].head(2)
                  vm         kind  vcpus  vcpus_enough
        0    app-011  constrained      1          <NA>
        1  batch-013  constrained      4          <NA>
    """
    names = problem.names
    rows = [
        {
            "vm": names.vms[each.vm],
            "host": names.hosts[each.host],
            "kind": each.kind.value,
            "vcpus": each.vcpus,
            "mean_pcpu": rounded_cell(each.mean_pcpu, 3),
            "peak_pcpu": rounded_cell(each.peak_pcpu, 3),
            "vcpus_enough": each.vcpus_enough,
            "hours": each.hours,
            "evidence": each.words,
            "vm_uuid": each.vm,
            "host_uuid": each.host,
        }
        for each in found
    ]
    columns = ["vm", "host", "kind", "vcpus", "mean_pcpu", "peak_pcpu", "vcpus_enough", "hours", "evidence"]
    frame = pd.DataFrame(rows, columns=[*columns, "vm_uuid", "host_uuid"])
    return frame.assign(vcpus_enough=frame["vcpus_enough"].astype("Int64")).sort_values(
        ["kind", "vm"], ignore_index=True
    )
