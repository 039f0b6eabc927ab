"""What would be, as DataFrames: losses, room, hosts that sleep, work on all hosts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from rebalancer.frames.cells import GIB_DECIMALS, gib_cell, share_cell
from rebalancer.frames.loads import times_of
from rebalancer.slots import Slots
from rebalancer.whatif import Loss, Rolling, Room, Sleep
from rebalancer.whatif.stage_loads import stage_loads


def losses_frame(found: Sequence[Loss]) -> pd.DataFrame:
    """One row a host that might die: its VMs, GiB to restart, who restarts nowhere, the busiest host then.

    Several VMs stand in one cell, with commas between, in `stuck` and `stuck_vm_uuids`.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.losses_frame(rb.whatif.losses(model.problem))[["guests", "restart"]].head(2)
               guests  restart
        host
        alder       8     True
        ash        11     True
    """
    rows = [
        {
            "host": each.host,
            "guests": each.guests,
            "memory_gib": round(each.memory_gib, GIB_DECIMALS),
            "stuck": ", ".join(each.stuck),
            "restart": each.restart,
            "hottest": each.hottest,
            "cpu_peak": share_cell(each.cpu_peak),
            "host_uuid": each.host_uuid,
            "stuck_vm_uuids": ", ".join(each.stuck_uuids),
            "hottest_host_uuid": each.hottest_uuid,
        }
        for each in found
    ]
    columns = ["host", "guests", "memory_gib", "stuck", "restart", "hottest", "cpu_peak"]
    frame = pd.DataFrame(rows, columns=[*columns, "host_uuid", "stuck_vm_uuids", "hottest_host_uuid"])
    return frame.set_index("host").sort_index()


def room_frame(found: Sequence[Room]) -> pd.DataFrame:
    """One row a host: how many more VMs of a kind it takes by memory, by CPU, and in all.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.whatif.room_for(model.problem, model.vm("web-000"))
        >>> rb.frames.room_frame(found)[["may_start", "by_memory"]].head(2)
               may_start  by_memory
        host
        alder       True          6
        ash         True          7
    """
    rows = [(each.host, each.may_start, each.by_memory, each.by_cpu, each.fits, each.host_uuid) for each in found]
    columns = ["host", "may_start", "by_memory", "by_cpu", "fits", "host_uuid"]
    return pd.DataFrame(rows, columns=columns).set_index("host").sort_index()


def rolling_frame(found: Rolling) -> pd.DataFrame:
    """One row a stage of work on all hosts, in order: host, purpose, steps, GiB, seconds, and the sum of GiB so far.

    `worst_host`, `worst_hour` and `worst_share` are the busiest host-hour that it leads to, None and NaN without
    metrics; `best_begun` are hours of the day, or of the week, in which a stage that empties a host is best begun.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.rolling(model, ["alder"], seconds=1)
        >>> rb.frames.rolling_frame(found)[["host", "purpose"]]
                host purpose
        stage
        1      alder   empty
        2      alder  return
    """
    stages, loads = found.stages, stage_loads(found.stages)
    worst = [each.worst for each in loads]
    copied = pd.Series([gib_cell(each.copied_bytes) for each in stages], dtype=float)
    columns = {
        "stage": range(1, len(stages) + 1),
        "host": [each.host_name for each in stages],
        "purpose": [each.purpose.value for each in stages],
        "steps": [len(each.plan.steps) for each in stages],
        "gib": copied,
        "seconds": [round(each.plan.schedule.seconds, 1) for each in stages],
        "gib_so_far": copied.cumsum().round(3),
        "worst_host": [each.host if each else None for each in worst],
        "worst_hour": [each.hour if each else None for each in worst],
        "worst_share": [share_cell(each.share if each else None) for each in worst],
        "best_begun": [", ".join(each.calm.hours) if each.calm else "" for each in loads],
        "host_uuid": [each.host for each in stages],
        "worst_host_uuid": [each.host_uuid if each else None for each in worst],
    }
    return pd.DataFrame(columns).set_index("stage")


def sleep_frame(found: Sleep) -> pd.DataFrame:
    """One row a host without VMs: whether it can sleep, and what keeps it awake.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.sleep_frame(rb.sleep(model)).columns.tolist()
        ['can_sleep', 'rule', 'words', 'host_uuid']
    """
    rows = [(each.name, each.can_sleep, each.rule, each.words, each.host) for each in found.hosts]
    return pd.DataFrame(rows, columns=["host", "can_sleep", "rule", "words", "host_uuid"]).set_index("host")


def needed_frame(found: Sleep) -> pd.DataFrame:
    """One row a time of day, or of the week: how many hosts have to be on; no rows without metrics.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.needed_frame(rb.sleep(model)).hosts_needed.tolist()[:3]
        [5, 5, 5]
    """
    needed = found.needed or ()
    times = times_of(Slots(count=len(needed), timezone=found.timezone))
    return pd.DataFrame({"hosts_needed": list(needed)}, index=times, dtype=int)
