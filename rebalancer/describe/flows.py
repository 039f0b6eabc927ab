"""The flows that a plan carries: those of VMs that it moves, and of hosts with all VMs that stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand.flows import DECIMALS, Flow, FlowKey, FlowKind
from rebalancer.inventory import Uuid
from rebalancer.objectives import levels_of, load_in_columns
from rebalancer.placement import Placement
from rebalancer.plan.load import FlowCurve, Load, ResourcePeak
from rebalancer.problem import Problem

LEAST: Final = 1e-9
"""What a host without any of a resource counts as having, so that load on it is a share."""
SHARE_DECIMALS: Final = 6
WRITTEN: Final[Mapping[FlowKind, Literal["sent", "received", "disk"]]] = {
    FlowKind.SENT: "sent",
    FlowKind.RECEIVED: "received",
    FlowKind.DISK: "disk",
}
"""The kinds as plan files have them."""


def flow_curves(problem: Problem, moved: Collection[Uuid]) -> tuple[FlowCurve, ...]:
    """What the resources of the policy rest on, as far as moving *moved* changes anything; nothing without a weight."""
    asked = {each.id for each in problem.resources.all}
    summed: dict[FlowKey, NDArray[np.float64]] = {}
    for flow in problem.demand.flows if problem.demand else ():
        if ("disk" if flow.key.kind is FlowKind.DISK else "network") in asked:
            key = flow.key if flow.key.owner in moved else _of_host(flow.key, problem)
            summed[key] = summed.get(key, np.zeros(len(flow.rates))) + flow.rates
    return tuple(
        FlowCurve(
            owner=key.owner, kind=WRITTEN[key.kind], place=key.place, rates=tuple(np.round(rates, DECIMALS).tolist())
        )
        for key, rates in sorted(summed.items())
    )


def resource_peaks(problem: Problem, placement: Placement) -> dict[Uuid, tuple[ResourcePeak, ...]]:
    """The highest share that each host uses of each resource beside CPU, of those whose capacity is known."""
    found: dict[Uuid, list[ResourcePeak]] = {host: [] for host in problem.pool.hosts}
    if not problem.resources.all:
        return {}
    load = load_in_columns(placement, problem)
    for resource, levels in zip(problem.resources.all, levels_of(problem)[1:], strict=True):
        shares = load[:, levels.columns] / np.maximum(resource.capacity, LEAST)
        for host, row, capacity in zip(problem.pool.hosts, shares, resource.capacity, strict=True):
            if np.isfinite(capacity).any():
                found[host].append(ResourcePeak(resource=resource.id, share=round(float(row.max()), SHARE_DECIMALS)))
    return {host: tuple(peaks) for host, peaks in found.items()}


def flows_of(load: Load) -> tuple[Flow, ...]:
    """The flows that a plan's *load* carries."""
    return tuple(
        Flow(key=FlowKey(owner=each.owner, kind=FlowKind(each.kind), place=each.place), rates=each.rates)
        for each in load.flows
    )


def _of_host(key: FlowKey, problem: Problem) -> FlowKey:
    """The flow of a VM that stays as one of its host; that of a host as it is."""
    if key.owner not in problem.initial.host_of:
        return key
    host = problem.pool.hosts[problem.initial[key.owner]]
    carrier = host.carrier(key.place)
    return FlowKey(owner=host.uuid, kind=key.kind, place=carrier.uuid if carrier else "")
