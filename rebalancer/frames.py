"""Values as DataFrames, for notebooks and for whoever wants to count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import pandas as pd

from rebalancer.describe.course import hosts_at
from rebalancer.inventory import Pool
from rebalancer.legality.matrix import legality_matrix
from rebalancer.objectives import cpu_capacities, host_load
from rebalancer.placement import Placement
from rebalancer.plan import Plan
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.units import gib
from rebalancer.whatif import Loss, Room

if TYPE_CHECKING:
    from rebalancer.solve import Tradeoff


def hosts_frame(pool: Pool) -> pd.DataFrame:
    """One row a host: pCPUs, memory in GiB, guests; index is the host's name."""
    guests = pd.Series([vm.resident_on for vm in pool.resident_guests()], dtype=object).value_counts()
    rows = [
        {
            "host": host.name,
            "pcpus": host.pcpus,
            "memory_gib": gib(host.memory_total_bytes or 0),
            "guests": int(guests.get(host.uuid, 0)),
            "enabled": host.enabled,
            "live": host.live,
        }
        for host in pool.hosts.values()
    ]
    return pd.DataFrame(rows).set_index("host").sort_index()


def vms_frame(pool: Pool) -> pd.DataFrame:
    """One row a guest that occupies a host: where, vCPUs, memory in GiB, power state; index is the uuid."""
    names = {host.uuid: host.name for host in pool.hosts.values()}
    rows = [
        {
            "uuid": vm.uuid,
            "vm": vm.name,
            "host": names.get(vm.resident_on or ""),
            "vcpus": vm.vcpus_at_startup,
            "memory_gib": gib(vm.migration_memory_bytes),
            "power_state": vm.power_state.value,
        }
        for vm in pool.resident_guests()
    ]
    return pd.DataFrame(rows, columns=["uuid", "vm", "host", "vcpus", "memory_gib", "power_state"]).set_index("uuid")


def load_frame(problem: Problem, placement: Placement) -> pd.DataFrame:
    """Load of each host in each slot as a share of its CPU capacity under *placement*; hosts x slots.

    Raises:
        ValueError: the problem has no load profile.
    """
    if problem.demand is None:
        raise ValueError("the problem has no load profile: read the pool with its metrics")
    shares = host_load(placement, problem) / cpu_capacities(problem)[:, None]
    names = [host.name for host in problem.pool.hosts.values()]
    return pd.DataFrame(shares, index=pd.Index(names, name="host")).rename_axis(columns="slot").sort_index()


def filling_frame(problem: Problem, placement: Placement) -> pd.DataFrame:
    """How full the pool is in each slot: pCPUs used and counted on, their share, the busiest host and its share.

    Raises:
        ValueError: the problem has no load profile.
    """
    shares = load_frame(problem, placement)
    used = host_load(placement, problem).sum(axis=0)
    counted = cpu_capacities(problem).sum()
    columns = {"pcpus": used, "of": counted, "share": used / counted, "busiest": shares.idxmax(), "peak": shares.max()}
    return pd.DataFrame(columns).rename_axis("slot")


def losses_frame(found: Sequence[Loss]) -> pd.DataFrame:
    """One row a host that might die: its VMs, GiB to restart, who restarts nowhere, the busiest host then."""
    return pd.DataFrame([asdict(each) for each in found], columns=_names(Loss)).set_index("host").sort_index()


def room_frame(found: Sequence[Room]) -> pd.DataFrame:
    """One row a host: how many more VMs of a kind it takes by memory, by CPU, and in all."""
    rows = [{**asdict(each), "fits": each.fits} for each in found]
    return pd.DataFrame(rows, columns=[*_names(Room), "fits"]).set_index("host").sort_index()


def _names(kind: type[Loss | Room]) -> list[str]:
    return [field.name for field in fields(kind)]


def legality_frame(book: Rulebook) -> pd.DataFrame:
    """Guests x hosts: the first rule that objects now, "" where the VM may go, "+" with its disks, "=" where it is."""
    matrix = legality_matrix(book)
    index = pd.Index([vm.name for vm in matrix.vms], name="vm")
    return pd.DataFrame(matrix.cells, index=index, columns=matrix.titles)


def steps_frame(plan: Plan) -> pd.DataFrame:
    """One row a step of a plan, in order: VM, from, to, GiB, start, seconds, why; index is the step's id."""
    rows = [
        {
            "step": step.id,
            "kind": step.kind.value,
            "vm": step.vm_name,
            "from": step.source_name,
            "to": step.target_name,
            "gib": gib(step.copied_bytes),
            "start": step.start_seconds,
            "seconds": step.seconds,
            "why": step.why,
        }
        for step in plan.steps
    ]
    columns = ["step", "kind", "vm", "from", "to", "gib", "start", "seconds", "why"]
    return pd.DataFrame(rows, columns=columns).set_index("step")


def change_frame(plan: Plan) -> pd.DataFrame:
    """One row a host before and after a plan: the busiest slot as a share of CPU capacity, memory as one of the host's.

    The index is the host's name; CPU is NaN without metrics.
    """
    rows = [
        {
            "host": row.name,
            "cpu_before": row.before.peak_share,
            "cpu_after": row.after.peak_share,
            "memory_before": row.before.memory_used_bytes / (row.memory_total_bytes or 1),
            "memory_after": row.after.memory_used_bytes / (row.memory_total_bytes or 1),
        }
        for row in plan.hosts
    ]
    return pd.DataFrame(rows).set_index("host").astype(float)


def tradeoff_frame(curve: Tradeoff) -> pd.DataFrame:
    """One row a point of the curve, from the cheapest on: what it costs, overload, bound, whether it is the knee."""
    rows = [
        {
            "gib": point.gib,
            "moves": point.moves,
            "overload": point.overload,
            "bound": point.bound,
            "gap": point.gap,
            "proved": point.proved,
            "knee": number == curve.knee,
        }
        for number, point in enumerate(curve.points)
    ]
    return pd.DataFrame(rows)


def course_frame(plan: Plan) -> pd.DataFrame:
    """One row a step of a plan and host: VMs after it, GiB while it runs and after it, CPU peak after it as a share.

    Steps run one after another; the index is the step's id and the host's name.
    """
    rows = [
        {
            "step": step.id,
            "host": host.name,
            "vms": len(host.after.vms),
            "gib_during": gib(host.memory_during_bytes),
            "gib_after": gib(host.after.memory_used_bytes),
            "gib_total": gib(host.memory_total_bytes),
            "cpu_peak": host.after.peak_share,
        }
        for step in plan.steps
        for host in hosts_at(plan, step)
    ]
    columns = ["step", "host", "vms", "gib_during", "gib_after", "gib_total", "cpu_peak"]
    return pd.DataFrame(rows, columns=columns).set_index(["step", "host"])
