"""Answers to planners as DataFrames: failures, places and scenarios."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from rebalancer.whatif import Place
from rebalancer.whatif.failures import Failure
from rebalancer.whatif.fit.answer import Fit
from rebalancer.whatif.prices.price import Price
from rebalancer.whatif.scenarios.outcome import Outcome

COUNTS = ("hosts_over_now", "hosts_over", "failures_outlived", "hosts", "moves")
"""Whole numbers of a scenario, which are missing where it cannot be."""


def failures_frame(found: Sequence[Failure]) -> pd.DataFrame:
    """One row a failure and VM that stays down; `vm` and what follows are empty where all restart.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.failures_frame(rb.failures(model, 2))[["hosts", "guests", "vm", "rule"]].head(2)
                  hosts  guests         vm               rule
        0  alder, beech      18  cache-017              spare
        1  alder, beech      18    app-041  shared-sr-visible
    """
    rows = [
        {
            "hosts": ", ".join(each.hosts),
            "host_uuids": ", ".join(each.host_uuids),
            "guests": each.guests,
            "memory_gib": each.memory_gib,
            "certain": each.certain,
            "hottest": each.hottest,
            "cpu_peak": each.cpu_peak,
            "vm": down.vm if down else "",
            "vm_uuid": down.vm_uuid if down else "",
            "vm_memory_gib": down.memory_gib if down else 0.0,
            "rule": down.rule if down else "",
            "why": down.why if down else "",
            "hottest_host_uuid": each.hottest_uuid,
        }
        for each in found
        for down in each.down or (None,)
    ]
    return pd.DataFrame(rows).round(3)


def places_frame(found: Sequence[Place]) -> pd.DataFrame:
    """One row a VM and host: whether it may start there, in which order, at what cost, and why not.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.place(model, rb.Shape(vcpus=2, memory_gib=4, load=0.5))
        >>> rb.frames.places_frame(found)[["rank", "allowed", "rule"]].head(2)
           rank  allowed rule
        0     1     True
        1     2     True
    """
    rows = [
        {
            "vm": each.vm,
            "vm_uuid": each.vm_uuid,
            "rank": rank,
            "host": spot.host,
            "host_uuid": spot.host_uuid,
            "allowed": spot.allowed,
            "load_cost_pcpu_hours": spot.load_cost,
            "cpu_peak": spot.cpu_peak,
            "memory_free_gib": spot.memory_free_gib,
            "rule": spot.refusals[0].rule if spot.refusals else "",
            "reason": spot.reason,
        }
        for each in found
        for rank, spot in enumerate(each.spots, start=1)
    ]
    return pd.DataFrame(rows).round(3)


def outcomes_frame(found: Sequence[Outcome]) -> pd.DataFrame:
    """One row a scenario; loads in pCPU-hours, memory in GiB, `gap` as a share of the load cost that was found.

    `failures_outlived` counts the hosts whose death, one at a time, leaves no VM down. Nobody can tell what is missing.
    Several VMs stand in one cell, with commas between, in `stuck` and `stuck_vm_uuids`.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.scenarios.outcomes(model, {"one more": rb.scenarios.add_hosts(1)}, seconds=1)
        >>> rb.frames.outcomes_frame(found)[["feasible", "hosts", "hosts_over_now", "hosts_over"]]
                  feasible  hosts  hosts_over_now  hosts_over
        scenario
        one more      True      6               3           1
    """
    rows = [
        {
            "scenario": each.name,
            "feasible": each.feasible,
            "overload_now_pcpu_hours": each.overload_now,
            "overload_pcpu_hours": each.overload,
            "overload_bound_pcpu_hours": each.overload_bound,
            "hosts_over_now": each.over_now,
            "hosts_over": each.over,
            "memory_free_gib": each.memory_free_gib,
            "failures_outlived": each.failures_outlived,
            "hosts": each.hosts,
            "moves": each.moves,
            "gib": each.gib,
            "gap": each.gap,
            "stuck": ", ".join((*each.stuck, *each.stranded)),
            "stuck_by": each.stuck_by,
            "first": "; ".join(each.first),
            "why": each.why,
            "edits": each.words,
            "stuck_vm_uuids": ", ".join(each.stuck_uuids),
        }
        for each in found
    ]
    return pd.DataFrame(rows).set_index("scenario").astype(dict.fromkeys(COUNTS, "Int64")).round(3)


def fit_frame(found: Fit) -> pd.DataFrame:
    """One row a host and kind: how many start there, and what ends it.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.fit(model, rb.Shape(vcpus=4, memory_gib=8, load=1.0), rearrange=False, seconds=1)
        >>> rb.frames.fit_frame(found).columns.tolist()
        ['host', 'host_uuid', 'kind', 'starts', 'rule', 'ends']
    """
    rows = [
        {
            "host": host.host,
            "host_uuid": host.host_uuid,
            "kind": kind,
            "starts": starts,
            "rule": host.rule,
            "ends": host.ends,
        }
        for host in found.hosts
        for kind, starts in zip(found.kinds, host.starts, strict=True)
    ]
    return pd.DataFrame(rows)


def prices_frame(found: Sequence[Price]) -> pd.DataFrame:
    """One row a rule, group or limit, in the order given: what there is less without it, in pCPU-hours and GiB.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> from rebalancer.face.whatif.prices import priced
        >>> frame = rb.frames.prices_frame(priced(model, seconds=0.1, workers=1))
        >>> frame.loc[["shared-sr-visible"], ["kind", "relaxable"]]
                           kind  relaxable
        rule
        shared-sr-visible  rule      False
    """
    rows = [
        {
            "rule": each.name,
            "kind": each.kind,
            "origin": each.origin,
            "relaxable": each.relaxable,
            "overload_pcpu_hours_saved": each.overload_saved,
            "overload_pcpu_hours_saved_at_most": each.overload_saved_at_most,
            "copied_gib_saved": each.gib_saved,
            "moves_saved": each.moves_saved,
            "breaches_saved": each.breaches_saved,
            "moves_it_alone_forbids": each.only,
            "proved": each.proved,
            "condition": each.condition,
            "how": each.how,
            "says": each.says,
        }
        for each in found
    ]
    frame = pd.DataFrame(rows).set_index("rule").round(3)
    return frame.astype({"moves_it_alone_forbids": "Int64"})
