"""The numbers of a plan: hosts before and after, and the demand behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile, Quality
from rebalancer.describe.flows import flow_curves, flows_of, resource_peaks
from rebalancer.describe.memory import memory_peaks
from rebalancer.inventory import Host, Uuid
from rebalancer.objectives import base_load, cpu_capacities, host_load, overload_limits
from rebalancer.objectives.load import slot_hours, usual_load, vm_deviations, worst_on_hosts
from rebalancer.placement import Placement
from rebalancer.plan.load import Curve, Load, MemoryUse, RefusedMetrics
from rebalancer.plan.made_from import Metrics
from rebalancer.plan.plan import HostRow, HostState, Plan
from rebalancer.plan.step import Step
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.memory_model import guest_bytes, held_apart_from, memory_is_known, resident_bytes

DECIMALS = 6
"""Digits that plans keep of a pCPU or a share; sums of floats differ beyond them from machine to machine."""


def host_rows(book: Rulebook, after: Placement, steps: Sequence[Step]) -> tuple[HostRow, ...]:
    """Every host where the VMs are now, while *steps* lead them to *after*, and there; sorted by name."""
    problem, pool, before = book.problem, book.problem.pool, book.problem.initial
    apart = held_apart_from(pool, before)
    states_before, states_after = _states(problem, before), _states(problem, after)
    peaks = memory_peaks(steps, book)
    rows = [
        HostRow(
            uuid=uuid,
            name=problem.names.hosts[uuid],
            memory_total_bytes=guest_bytes(host) - apart[uuid] if memory_is_known(host) else None,
            memory_peak_bytes=peaks[uuid],
            before=states_before[uuid],
            after=states_after[uuid],
            cpu_capacity_pcpu=_counted_capacity(host, problem),
        )
        for uuid, host in pool.hosts.items()
    ]
    return tuple(sorted(rows, key=lambda row: (pool.hosts[row.uuid].name, row.uuid)))


def _counted_capacity(host: Host, problem: Problem) -> float | None:
    capacity = problem.cpu_capacity(host) if problem.demand else 0.0
    return round(capacity, DECIMALS) if capacity > 0 else None


def _states(problem: Problem, placement: Placement) -> dict[Uuid, HostState]:
    vms, peaks, overloads = placement.vms_by_host(), _peaks(problem, placement), overloads_of(problem, placement)
    states, resources = {}, resource_peaks(problem, placement)
    for host in problem.pool.hosts:
        held, (share, slot) = tuple(sorted(vms.get(host, ()))), peaks.get(host, (None, None))
        used = sum(resident_bytes(problem.pool.vms[vm]) for vm in held)
        states[host] = HostState(
            vms=held,
            memory_used_bytes=used,
            peak_share=share,
            peak_slot=slot,
            overload_pcpu_hours=overloads.get(host),
            resource_peaks=resources.get(host, ()),
        )
    return states


def overloads_of(problem: Problem, placement: Placement) -> dict[Uuid, float]:
    """PCPU-hours above the threshold on every host whose load counts; nothing without metrics."""
    if problem.demand is None:
        return {}
    above = np.maximum(host_load(placement, problem) - overload_limits(problem)[:, None], 0.0)
    hours = np.round(above @ slot_hours(problem), DECIMALS)
    counted = zip(problem.pool.hosts, hours, cpu_capacities(problem), strict=True)
    return {host: float(each) for host, each, capacity in counted if capacity > 0}


def _peaks(problem: Problem, placement: Placement) -> dict[Uuid, tuple[float, int]]:
    if problem.demand is None:
        return {}
    shares = np.round(load_shares(problem, placement), DECIMALS)
    return {
        host: (float(row.max()), int(row.argmax()))
        for host, row, capacity in zip(problem.pool.hosts, shares, cpu_capacities(problem), strict=True)
        if capacity > 0
    }


def load_shares(problem: Problem, placement: Placement) -> NDArray[np.float64]:
    """Load of every host in every slot as a share of its capacity; 0 where the capacity is not known."""
    capacity = cpu_capacities(problem)[:, None]
    return np.divide(host_load(placement, problem), capacity, out=np.zeros_like(base_load(problem)), where=capacity > 0)


def load_of(problem: Problem, moved: Collection[Uuid]) -> Load | None:
    """The demand as far as moving *moved* changes anything, see `told_of`; None without metrics."""
    if problem.demand is None:
        return None
    row_of = {vm: number for number, vm in enumerate(problem.demand.vms)}
    told = sorted(told_of(problem, moved))
    staying = problem.initial.host_of.keys() - set(told)
    fixed = Placement({vm: host for vm, host in problem.initial.host_of.items() if vm in staying})
    carried = usual_load(fixed, problem)
    rows = [row_of[vm] for vm in told]
    robust, used = problem.policy.demand.peaking > 0, problem.demand.memory_used
    return Load(
        slot_hours=problem.demand.slot_hours,
        hosts=_curves(list(problem.pool.hosts), carried),
        vms=_curves(told, problem.demand.vm_pcpu[rows]),
        host_peaks=_host_peaks(problem, fixed) if robust else (),
        vm_peaks=_curves(told, vm_deviations(problem)[rows]) if robust else (),
        refused=tuple(RefusedMetrics(uuid=uuid, reason=why) for uuid, why in sorted(problem.demand.refused.items())),
        flows=flow_curves(problem, moved),
        memory_used=tuple(MemoryUse(uuid=uuid, used_bytes=used[uuid]) for uuid in sorted(used.keys() & set(moved))),
    )


def told_of(problem: Problem, moved: Collection[Uuid]) -> Collection[Uuid]:
    """The VMs whose load is told by itself: those that are *moved*; all of them where the policy limits load.

    What a host uses above such a limit, and who is on it then, follows from it.
    """
    return moved if problem.policy.limits.host_load is None else problem.initial.host_of.keys()


def _host_peaks(problem: Problem, fixed: Placement) -> tuple[Curve, ...]:
    worst = zip(problem.pool.hosts, worst_on_hosts(fixed, problem), strict=True)
    return tuple(curve for host, rows in worst for curve in _curves([host] * len(rows), rows))


def _curves(uuids: Sequence[Uuid], pcpu: NDArray[np.float64]) -> tuple[Curve, ...]:
    rounded = np.round(pcpu, DECIMALS)
    return tuple(Curve(uuid=uuid, pcpu=tuple(map(float, row))) for uuid, row in zip(uuids, rounded, strict=True))


def profile_of(plan: Plan) -> LoadProfile | None:
    """The load profile that *plan* carries, None where it is not one: VMs that stay are part of their hosts' load."""
    load, metrics = plan.load, plan.made_from.metrics
    if load is None or metrics is None:
        return None
    curves = [each.pcpu for each in (*load.hosts, *load.vms, *load.host_peaks, *load.vm_peaks)]
    lengths = {len(curve) for curve in (*curves, *(each.rates for each in load.flows))}
    if lengths - {metrics.slots} or not metrics.when.fit:
        return None
    robust = plan.policy.demand.peaking > 0
    moved = {curve.uuid: curve.pcpu for curve in load.vms}
    vms, idle = tuple(plan.before), (0.0,) * metrics.slots
    return LoadProfile(
        vms=vms,
        hosts=tuple(curve.uuid for curve in load.hosts),
        vm_pcpu=_table([moved.get(vm, idle) for vm in vms], metrics.slots),
        host_base_pcpu=_table([curve.pcpu for curve in load.hosts], metrics.slots),
        slot_hours=load.slot_hours,
        quality=dict.fromkeys(vms, Quality.MEASURED),
        percentile=metrics.percentile,
        days=metrics.days,
        window_start=metrics.window_start,
        window_end=metrics.window_end,
        timezone=metrics.timezone,
        source=metrics.source,
        vm_deviation_pcpu=_vm_peaks(load, vms, idle) if robust else None,
        host_deviation_pcpu=_stayers_peaks(load, idle, plan.policy.demand.peaking) if robust else None,
        clocks=metrics.clocks,
        reference_mhz=plan.policy.capacity.reference_mhz,
        refused={each.uuid: each.reason for each in load.refused},
        memory_used={each.uuid: each.used_bytes for each in load.memory_used},
        resources=plan.policy.demand.resources,
        flows=flows_of(load),
    )


def _vm_peaks(load: Load, vms: Sequence[Uuid], idle: Sequence[float]) -> NDArray[np.float64]:
    """How far each of *vms* may peak, shape (VMs, slots); those that stay count with their hosts."""
    peaks = {curve.uuid: curve.pcpu for curve in load.vm_peaks}
    return _table([peaks.get(vm, idle) for vm in vms], len(idle))


def _stayers_peaks(load: Load, idle: Sequence[float], budget: int) -> NDArray[np.float64]:
    """How far the worst of the VMs that stay may peak, shape (hosts, budget, slots)."""
    rows = []
    for host in load.hosts:
        peaks = [curve.pcpu for curve in load.host_peaks if curve.uuid == host.uuid][:budget]
        rows.append(_table([*peaks, *[idle] * (budget - len(peaks))], len(idle)))
    return np.array(rows, dtype=np.float64).reshape(len(rows), budget, len(idle))


def _table(rows: Sequence[Sequence[float]], slots: int) -> NDArray[np.float64]:
    """An array of shape (rows, slots), also without rows."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), slots)


def metrics_of(demand: LoadProfile | None) -> Metrics | None:
    """Where the demand came from."""
    if demand is None:
        return None
    known = Counter(demand.quality.values())
    return Metrics(
        source=demand.source,
        window_start=demand.window_start,
        window_end=demand.window_end,
        timezone=demand.timezone,
        percentile=demand.percentile,
        slots=demand.slots,
        measured=known[Quality.MEASURED],
        short=known[Quality.SHORT],
        unknown=known[Quality.UNKNOWN],
        clocks=demand.clocks,
        days=demand.days,
    )
