"""Values as DataFrames, for notebooks and for whoever wants to count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from rebalancer.describe.course import hosts_at
from rebalancer.inventory import Names, Pool
from rebalancer.legality.matrix import legality_matrix
from rebalancer.objectives import cpu_capacities, host_load
from rebalancer.placement import Placement
from rebalancer.plan import Plan
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.slots import Slots
from rebalancer.units import gib
from rebalancer.whatif import Loss, Room
from rebalancer.whatif.replay import SHARES, Replay, ReplayedNight, Summary, by_week, summary_of

if TYPE_CHECKING:
    from rebalancer.solve import Tradeoff


def hosts_frame(pool: Pool) -> pd.DataFrame:
    """One row a host: pCPUs, memory in GiB, guests; index is the host's name."""
    guests, names = Counter(vm.resident_on for vm in pool.resident_guests()), Names(pool).hosts
    rows = [
        (names[host.uuid], host.pcpus, _gib(host.memory_total_bytes), guests[host.uuid], host.enabled, host.live)
        for host in pool.hosts.values()
    ]
    columns = ["host", "pcpus", "memory_gib", "guests", "enabled", "live"]
    return pd.DataFrame(rows, columns=columns).set_index("host").sort_index()


def vms_frame(pool: Pool) -> pd.DataFrame:
    """One row a guest that occupies a host: where, vCPUs, memory in GiB, power state; index is the uuid."""
    names = Names(pool)
    guests = list(pool.resident_guests())
    columns = {
        "uuid": [vm.uuid for vm in guests],
        "vm": [names.vms[vm.uuid] for vm in guests],
        "host": [names.hosts.get(vm.resident_on or "") for vm in guests],
        "vcpus": [vm.vcpus_at_startup for vm in guests],
        "memory_gib": [gib(vm.migration_memory_bytes) for vm in guests],
        "power_state": [vm.power_state.value for vm in guests],
    }
    return pd.DataFrame(columns).set_index("uuid")


def load_frame(problem: Problem, placement: Placement) -> pd.DataFrame:
    """Load of each host in each slot as a share of its CPU capacity under *placement*; hosts x slots.

    Slots are numbered; those of recorded days are told by the hour that they begin in, in the policy's zone.
    It is NaN for a host whose load is not counted: dead, without metrics, or of unknown capacity.

    Raises:
        ValueError: the problem has no load profile.
    """
    if problem.demand is None:
        raise ValueError("the problem has no load profile: read the pool with its metrics")
    capacities = cpu_capacities(problem)[:, None]
    shares = host_load(placement, problem) / np.where(capacities > 0, capacities, np.nan)
    names = pd.Index(list(problem.names.hosts.values()), name="host")
    return pd.DataFrame(shares, index=names, columns=_slots(problem.demand.when)).sort_index()


def _slots(when: Slots) -> pd.Index[Any]:
    if not when.days:
        return pd.RangeIndex(when.count, name="slot")
    starts = [when.start_of(slot) for slot in range(when.count)]
    return pd.DatetimeIndex(starts, name="hour").tz_convert(when.timezone)


def filling_frame(problem: Problem, placement: Placement) -> pd.DataFrame:
    """How full the pool is in each slot: pCPUs used and counted on, their share, the busiest host and its share.

    Hosts whose load is not counted are left out.

    Raises:
        ValueError: the problem has no load profile.
    """
    shares = load_frame(problem, placement)
    used = host_load(placement, problem)[cpu_capacities(problem) > 0].sum(axis=0)
    counted = cpu_capacities(problem).sum()
    columns = {"pcpus": used, "of": counted, "share": used / counted, "busiest": shares.idxmax(), "peak": shares.max()}
    return pd.DataFrame(columns, index=shares.columns)


def losses_frame(found: Sequence[Loss]) -> pd.DataFrame:
    """One row a host that might die: its VMs, GiB to restart, who restarts nowhere, the busiest host then."""
    return pd.DataFrame([asdict(each) for each in found], columns=_names(Loss)).set_index("host").sort_index()


def room_frame(found: Sequence[Room]) -> pd.DataFrame:
    """One row a host: how many more VMs of a kind it takes by memory, by CPU, and in all."""
    rows = [{**asdict(each), "fits": each.fits} for each in found]
    return pd.DataFrame(rows, columns=[*_names(Room), "fits"]).set_index("host").sort_index()


def replay_frame(found: Replay, each: Literal["contender", "week", "night"] = "contender") -> pd.DataFrame:
    """One row a contender of a replay, or a week or night of one: load with it and without, and what it cost.

    `worst_share` is the busiest host-hour as a share of the host's pCPUs; `moved_most` the VM that moved most often;
    `regret_least` and `regret_most` are NaN where nobody asked. The index is the contender's name, and the number of
    the week or night from 1.
    """
    parts = {"contender": lambda nights: (summary_of(nights),), "week": by_week, "night": _by_night}
    rows = [
        {each: number, "contender": name, **_judged(found, row)}
        for name in found.contenders
        for number, row in enumerate(parts[each](found.of(name)), start=1)
    ]
    return pd.DataFrame(rows).set_index(["contender"] if each == "contender" else ["contender", each])


def _by_night(nights: Sequence[ReplayedNight]) -> tuple[Summary, ...]:
    return tuple(summary_of([night]) for night in nights)


def _judged(found: Replay, row: Summary) -> dict[str, object]:
    above = {f"above_{share * 100:.0f}": hours for share, hours in zip(SHARES, row.hours_above, strict=True)}
    without = zip(SHARES, row.hours_above_without, strict=True)
    often = row.often[0][0] if row.often else None
    return {
        "overload": row.overload,
        "overload_without": row.overload_without,
        "least_overload": row.least_overload,
        **above,
        **{f"above_{share * 100:.0f}_without": hours for share, hours in without},
        "worst_share": row.worst_share,
        "worst_host": None if row.worst_host is None else found.host_names[row.worst_host],
        "moves": row.moves,
        "gib": row.gib,
        "most_moves": row.most_moves,
        "moved_most": None if often is None else found.vm_names[often],
        "unplanned": row.unplanned,
        "regret_least": None if row.regret is None else row.regret[0],
        "regret_most": None if row.regret is None else row.regret[1],
    }


def _names(kind: type[Loss | Room]) -> list[str]:
    return [field.name for field in fields(kind)]


def legality_frame(book: Rulebook) -> pd.DataFrame:
    """Guests x hosts: the first rule that objects now, "" where the VM may go, "+" with its disks, "=" where it is."""
    matrix = legality_matrix(book)
    index = pd.Index([matrix.called[vm.uuid] for vm in matrix.vms], name="vm")
    return pd.DataFrame(matrix.cells, index=index, columns=matrix.titles)


def steps_frame(plan: Plan) -> pd.DataFrame:
    """One row a step of a plan, in order: VM, from, to, GiB, start, seconds, why; index is the step's id."""
    columns = {
        "step": [step.id for step in plan.steps],
        "kind": [step.kind.value for step in plan.steps],
        "vm": [step.vm_name for step in plan.steps],
        "from": [step.source_name for step in plan.steps],
        "to": [step.target_name for step in plan.steps],
        "gib": [gib(step.copied_bytes) for step in plan.steps],
        "start": [step.start_seconds for step in plan.steps],
        "seconds": [step.seconds for step in plan.steps],
        "why": [step.why for step in plan.steps],
    }
    return pd.DataFrame(columns).set_index("step")


def change_frame(plan: Plan) -> pd.DataFrame:
    """One row a host before and after a plan: the busiest slot as a share of CPU capacity, memory as one of the host's.

    The index is the host's name; CPU is NaN without metrics.
    """
    rows = [
        {
            "host": row.name,
            "cpu_before": row.before.peak_share,
            "cpu_after": row.after.peak_share,
            "memory_before": _share(row.before.memory_used_bytes, row.memory_total_bytes),
            "memory_after": _share(row.after.memory_used_bytes, row.memory_total_bytes),
        }
        for row in plan.hosts
    ]
    return pd.DataFrame(rows).set_index("host").astype(float)


def tradeoff_frame(curve: Tradeoff) -> pd.DataFrame:
    """One row a point of the curve, from the cheapest on: what it takes, what it comes to, whether it is the knee.

    `load_cost` and `bound` are in weighted pCPU-hours; `chosen` is the point that is best by the policy's prices.
    """
    columns = ["gib", "moves", "load_cost", "bound", "gap", "proved"]
    rows = [{name: getattr(point, name) for name in columns} for point in curve.points]
    return pd.DataFrame(rows).assign(
        knee=[number == curve.knee for number in range(len(rows))],
        chosen=[number == curve.chosen for number in range(len(rows))],
    )


def course_frame(plan: Plan) -> pd.DataFrame:
    """One row a step of a plan and host: VMs after it, GiB while it runs and after it, CPU peak after it as a share.

    Steps run one after another; the index is the step's id and the host's name.
    """
    rows = [(step.id, host) for step in plan.steps for host in hosts_at(plan, step)]
    columns = {
        "step": [step for step, _ in rows],
        "host": [host.name for _, host in rows],
        "vms": [len(host.after.vms) for _, host in rows],
        "gib_during": [gib(host.memory_during_bytes) for _, host in rows],
        "gib_after": [gib(host.after.memory_used_bytes) for _, host in rows],
        "gib_total": [_gib(host.memory_total_bytes) for _, host in rows],
        "cpu_peak": [host.after.peak_share for _, host in rows],
    }
    return pd.DataFrame(columns).set_index(["step", "host"])


def _gib(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else gib(size_bytes)


def _share(part: int, whole: int | None) -> float | None:
    return part / whole if whole else None
