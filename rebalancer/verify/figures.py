"""Figures that a plan should have: hosts, objectives, and demand, computed again and rounded as it does.

Where the plan's own figure is as good as the one that is found, it is the right one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rebalancer.describe.figures import host_rows, load_shares
from rebalancer.objectives import OBJECTIVES, LowerPeak, Objective, Peak
from rebalancer.placement import Placement
from rebalancer.plan.load import Load, ResourcePeak
from rebalancer.plan.plan import HostRow, HostState, Plan
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.tier import HeldTo, TierResult, meets
from rebalancer.verify.tolerance import close, nearest

DEMAND_TOLERANCE = 1e-4
"""pCPUs that a measured curve may be off: each of many VMs that a part leaves out was rounded by itself."""


def host_rows_of(plan: Plan, book: Rulebook) -> Iterator[HostRow]:
    """Hosts before and after; of several hours that are equally busy, any will do."""
    problem = book.problem
    claimed = {row.uuid: row for row in plan.hosts}
    before, after = _shares(problem, problem.initial), _shares(problem, plan.predicted)
    told = any(state.overload_pcpu_hours is not None for row in plan.hosts for state in (row.before, row.after))
    counted = any(row.cpu_capacity_pcpu is not None for row in plan.hosts)
    for row in host_rows(book, plan.predicted, plan.steps):
        mine = claimed.get(row.uuid, row)
        capacity, found = mine.cpu_capacity_pcpu, row.cpu_capacity_pcpu if counted else None
        yield replace(
            row,
            before=_state(mine.before, row.before, before.get(row.uuid), told=told),
            after=_state(mine.after, row.after, after.get(row.uuid), told=told),
            cpu_capacity_pcpu=found if capacity is None or found is None else nearest(capacity, found),
        )


def _shares(problem: Problem, placement: Placement) -> dict[str, NDArray[np.float64]]:
    if problem.demand is None:
        return {}
    return dict(zip(problem.pool.hosts, load_shares(problem, placement), strict=True))


def _state(claimed: HostState, found: HostState, share: NDArray[np.float64] | None, *, told: bool) -> HostState:
    """*found*, with the peak and the overload of *claimed* as far as they are those; *told*: whether overload is."""
    said, is_so = claimed.overload_pcpu_hours, found.overload_pcpu_hours if told else None
    overload = is_so if said is None or is_so is None else nearest(said, is_so)
    found = replace(found, overload_pcpu_hours=overload, resource_peaks=_nearest(claimed, found))
    if share is None or claimed.peak_share is None or found.peak_share is None:
        return found
    slot = claimed.peak_slot
    peaks = slot is not None and slot in range(len(share)) and close(float(share[slot]), float(share.max()))
    return replace(
        found,
        peak_share=nearest(claimed.peak_share, found.peak_share),
        peak_slot=slot if peaks else found.peak_slot,
    )


def _nearest(claimed: HostState, found: HostState) -> tuple[ResourcePeak, ...]:
    """The peaks of *found*, those of *claimed* where they are as good as the same."""
    said = {each.resource: each.share for each in claimed.resource_peaks}
    return tuple(
        replace(each, share=nearest(said[each.resource], each.share)) if each.resource in said else each
        for each in found.resource_peaks
    )


def tiers_of(plan: Plan, book: Rulebook) -> Iterator[TierResult]:
    """The objectives that *plan* claims and that can be computed, a bound that can hold, and no proof without it."""
    measured = book.problem.demand is not None
    objectives = {each.id: each for each in OBJECTIVES if measured or not each.needs_demand}
    for tier in plan.tiers:
        if tier.objective in objectives:
            held = tuple(_held(each, objectives, book, plan.predicted) for each in tier.held)
            yield replace(_tier(tier, objectives[tier.objective], book, plan.predicted), held=held)


def _tier(tier: TierResult, objective: Objective, book: Rulebook, predicted: Placement) -> TierResult:
    met = meets(tier.after, tier.bound)
    return replace(
        tier,
        sentence=objective.sentence,
        unit=objective.unit,
        before=nearest(tier.before, *_values(objective, book.problem.initial, book)),
        after=nearest(tier.after, *_values(objective, predicted, book)),
        bound=tier.bound if tier.bound <= tier.after or met else tier.after,
        proved=tier.proved and met,
    )


def _held(each: HeldTo, objectives: Mapping[str, Objective], book: Rulebook, predicted: Placement) -> HeldTo:
    """What a bound is conditioned on: the end of the plan is one of the placements that keep it."""
    objective = objectives.get(each.objective)
    if objective is None:
        return each
    least = min(_values(objective, predicted, book))
    kept = each.most >= least or close(each.most, least)
    return replace(each, unit=objective.unit, most=each.most if kept else least)


def _values(objective: Objective, placement: Placement, book: Rulebook) -> tuple[float, ...]:
    """What the objective may be; the peak is that of some host, because hosts that nobody can leave do not count."""
    if isinstance(objective, Peak | LowerPeak):
        alone = type(objective)
        return tuple(alone(frozenset({host})).value(placement, book) for host in book.problem.pool.hosts)
    return (objective.value(placement, book),)


def same_load(measured: Load | None, claimed: Load | None) -> bool:
    """Whether both say the same, up to what rounding twice leaves: a part of a plan is made from rounded figures."""
    if measured is None or claimed is None:
        return measured is claimed
    curves = [(*load.hosts, *load.vms) for load in (measured, claimed)]
    if [curve.uuid for curve in curves[0]] != [curve.uuid for curve in curves[1]]:
        return False
    told = (measured.slot_hours, measured.refused) == (claimed.slot_hours, claimed.refused)
    return told and all(
        len(one.pcpu) == len(other.pcpu) and np.allclose(one.pcpu, other.pcpu, rtol=0, atol=DEMAND_TOLERANCE)
        for one, other in zip(*curves, strict=True)
    )
