"""The load of hosts slot by slot while a plan is carried out, from the plan alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rebalancer.describe.figures import DECIMALS
from rebalancer.inventory import Uuid
from rebalancer.plan.load import Curve, Load
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step

Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLoad:
    """Shares of CPU that source and target of a step use in each slot, before and after it, shape (slots,)."""

    source: tuple[Shares, Shares]
    target: tuple[Shares, Shares]


class LoadCourse:
    """The load of each host as a share of what plans count on, with the VMs that *plan* moves where they are then."""

    def __init__(self, plan: Plan, load: Load) -> None:
        self._plan, self._budget = plan, plan.policy.demand.peaking
        self._capacity = {row.uuid: row.cpu_capacity_pcpu for row in plan.hosts if row.cpu_capacity_pcpu}
        self._base = {each.uuid: np.array(each.pcpu) for each in load.hosts}
        self._vms = {each.uuid: np.array(each.pcpu) for each in load.vms}
        self._peaks = {each.uuid: each.pcpu for each in load.vm_peaks}
        self._stayers: dict[Uuid, list[tuple[float, ...]]] = {}
        for curve in load.host_peaks:
            self._stayers.setdefault(curve.uuid, []).append(curve.pcpu)

    @classmethod
    def of(cls, plan: Plan) -> LoadCourse | None:
        """That of *plan*; None where it holds no demand, or does not say what its shares are shares of."""
        slots = plan.when.count
        load = plan.load
        if load is None or not any(row.cpu_capacity_pcpu for row in plan.hosts):
            return None
        curves: tuple[Curve, ...] = (*load.hosts, *load.vms, *load.host_peaks, *load.vm_peaks)
        return cls(plan, load) if slots and {len(each.pcpu) for each in curves} == {slots} else None

    @property
    def hosts(self) -> frozenset[Uuid]:
        """The hosts whose load is known."""
        return frozenset(self._capacity.keys() & self._base.keys())

    def before(self) -> dict[Uuid, Shares]:
        """Each host before the plan."""
        return self.at(self._plan.before.host_of)

    def after(self) -> dict[Uuid, Shares]:
        """Each host once the plan is done."""
        return self.at(self._plan.predicted.host_of)

    def steps(self) -> Iterator[tuple[Step, StepLoad | None]]:
        """What each step changes, one after another; None where the load of an end is not known."""
        at = {vm: host for vm, host in self._plan.before.host_of.items() if vm in self._vms}
        for step in self._plan.steps:
            ends = (step.source, step.target)
            known = self.hosts.issuperset(ends) and step.vm in self._vms
            before = [self._share(end, at) for end in ends] if known else []
            at[step.vm] = step.target
            after = [self._share(end, at) for end in ends] if known else []
            yield step, StepLoad(source=(before[0], after[0]), target=(before[1], after[1])) if known else None

    def highest(self) -> dict[Uuid, float]:
        """The highest share that each host comes to before, between and after the steps, in their order."""
        found = {host: float(share.max()) for host, share in self.before().items()}
        for step, load in self.steps():
            for host, shares in ((step.source, load.source), (step.target, load.target)) if load else ():
                found[host] = max(found[host], float(shares[1].max()))
        return found

    def at(self, host_of: Mapping[Uuid, Uuid]) -> dict[Uuid, Shares]:
        """Each host with the VMs where *host_of* has them."""
        at = {vm: host for vm, host in host_of.items() if vm in self._vms}
        return {row.uuid: self._share(row.uuid, at) for row in self._plan.hosts if row.uuid in self.hosts}

    def _share(self, host: Uuid, at: dict[Uuid, Uuid]) -> Shares:
        """A host with the VMs that are *at* it; of peaks the worst of each slot count, as many as the policy says."""
        vms = [vm for vm, place in at.items() if place == host]
        load = self._base[host] + sum((self._vms[vm] for vm in vms), start=np.zeros_like(self._base[host]))
        peaks = [*self._stayers.get(host, ()), *(self._peaks[vm] for vm in vms if vm in self._peaks)]
        if peaks and self._budget:
            load = load + np.sort(np.array(peaks), axis=0)[::-1][: self._budget].sum(axis=0)
        share: Shares = np.round(load / self._capacity[host], DECIMALS)
        return share
