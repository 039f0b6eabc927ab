"""The flows that a plan carries: those of VMs that it moves, and of hosts with all VMs that stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand.flows import DECIMALS, Flow, FlowKey, FlowKind
from rebalancer.inventory import Uuid
from rebalancer.plan.load import FlowCurve, Load
from rebalancer.problem import Problem

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
