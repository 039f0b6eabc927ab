"""The load of one resource, column by column, as CPU has it slot by slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.demand.flows import FlowKind
from rebalancer.inventory import Uuid
from rebalancer.policy import ResourcePolicy

DECIMALS = 3
"""Digits of a unit that loads keep: they are no more exact, and so the solver counts them in whole parts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourceLoad:
    """What VMs and hosts use of a resource in columns, each a slot of one thing that is shared on a host.

    Args:
        id: its section of the policy's `objective`.
        unit: what it is counted in.
        policy: what it counts.
        vm: what each VM of the load profile uses, shape (VMs, columns).
        base: what each host of the pool uses itself, shape (hosts, columns).
        capacity: what each host of the pool has, shape (hosts, columns); infinite where its load is not counted.
        hours: how many hours each column counts, exactly.
    """

    id: str
    unit: str
    policy: ResourcePolicy
    vm: NDArray[np.float64]
    base: NDArray[np.float64]
    capacity: NDArray[np.float64]
    hours: tuple[Fraction, ...]

    @property
    def weight(self) -> Fraction:
        """Weighted pCPU-hours that a unit above the threshold costs in an hour: the decimal number of the policy."""
        return Fraction(str(self.policy.weight))

    def at(self, share: float) -> NDArray[np.float64]:
        """Units of every host that are a *share* of its capacity, shape (hosts, columns).

        Where that is infinite, it is more than the whole pool uses.
        """
        everything = self.vm.sum(axis=0) + self.base.sum(axis=0) + 1.0
        return np.where(np.isinf(self.capacity), everything, np.nan_to_num(self.capacity, posinf=0.0) * share)

    def on_hosts(self, rows: Sequence[int], hosts: Sequence[int]) -> NDArray[np.float64]:
        """What hosts use where the VMs in *rows* are on *hosts*, shape (hosts of the pool, columns)."""
        load = self.base.copy()
        np.add.at(load, list(hosts), self.vm[list(rows)])
        return load


def rates_of(profile: LoadProfile, kind: FlowKind) -> dict[tuple[Uuid, Uuid], NDArray[np.float64]]:
    """The flows of a *kind* by owner and place, shape (slots,)."""
    return {(flow.key.owner, flow.key.place): np.array(flow.rates) for flow in profile.flows if flow.key.kind is kind}
