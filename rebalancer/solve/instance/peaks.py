"""Peaks in whole numbers: how far VMs may go above what they usually need, and the worst of them on every host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rebalancer.inventory import Uuid
from rebalancer.objectives.load import demand_of, host_deviations, largest, vm_deviations
from rebalancer.problem import Problem
from rebalancer.solve.instance.resolution import Resolution
from rebalancer.solve.instance.rows import Bools, Floats, Ints

NOTHING: Ints = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deviations:
    """The peaks of VMs above their usual need, in columns as loads are; beside CPU there are none.

    Args:
        budget: how many VMs of a host count with their peak; 0 where none does.
        unit: the unit of each VM that may move, shape (VMs,).
        pcpu: how far each of them may go above its need, shape (VMs, slots).
        fixed_pcpu: the worst of those that stay on each host, largest first, shape (hosts, budget, slots).
        parts: `pcpu` in parts of a pCPU.
        fixed: `fixed_pcpu` in parts of a pCPU.
    """

    budget: int
    unit: Ints
    pcpu: Floats
    fixed_pcpu: Floats
    parts: Ints
    fixed: Ints

    @classmethod
    def of(cls, problem: Problem, unit_of: Mapping[Uuid, int], hosts: Sequence[Uuid]) -> Deviations:
        """The peaks of *problem*, in pCPUs; `rounded` makes them whole."""
        budget, slots = problem.policy.demand.peaking, 0 if problem.demand is None else problem.demand.slots
        others = sum(len(each.hours) for each in problem.resources.all)
        if not budget or not slots:
            nobody, fixed = np.zeros((0, slots + others)), np.zeros((len(hosts), 0, slots + others))
            return cls(budget=0, unit=NOTHING, pcpu=nobody, fixed_pcpu=fixed, parts=NOTHING, fixed=NOTHING)
        row = {vm: number for number, vm in enumerate(demand_of(problem).vms)}
        deviations, staying = vm_deviations(problem), host_deviations(problem)
        fixed = np.zeros((len(hosts), budget, slots))
        there = problem.initial.vms_by_host()
        for number, host in enumerate(hosts):
            rows = [row[vm] for vm in there.get(host, ()) if vm not in unit_of]
            worst = largest(np.vstack([staying[number], deviations[rows]]), budget)
            fixed[number, : len(worst)] = worst
        movable = [vm for vm in problem.initial if vm in unit_of]
        units = np.array([unit_of[vm] for vm in movable], dtype=np.int64)
        pcpu = deviations[[row[vm] for vm in movable]].reshape(-1, slots)
        pcpu, fixed = np.pad(pcpu, ((0, 0), (0, others))), np.pad(fixed, ((0, 0), (0, 0), (0, others)))
        return cls(budget=budget, unit=units, pcpu=pcpu, fixed_pcpu=fixed, parts=NOTHING, fixed=NOTHING)

    def rounded(self, resolution: Resolution) -> Deviations:
        """The deviations in parts of a pCPU."""
        return replace(self, parts=resolution.parts(self.pcpu), fixed=resolution.parts(self.fixed_pcpu))

    def restricted(self, hosts: Ints, units: Ints) -> Deviations:
        """Those of some *hosts* and *units*, by their places there; *units* rise."""
        kept = np.isin(self.unit, units)
        return replace(
            self,
            unit=np.searchsorted(units, self.unit[kept]),
            pcpu=self.pcpu[kept],
            fixed_pcpu=self.fixed_pcpu[hosts],
            parts=self.parts[kept],
            fixed=self.fixed[hosts],
        )

    @property
    def all_pcpu(self) -> list[Floats]:
        """Every row of numbers that is rounded."""
        slots = self.pcpu.shape[1]
        return [*self.pcpu, *self.fixed_pcpu.reshape(-1, slots)] if self.budget else []

    def on(self, host: int, units: Ints) -> Ints:
        """What counts on *host* where *units* and those that stay are on it, shape (VMs, slots)."""
        return np.vstack([self.fixed[host], self.parts[np.isin(self.unit, units)]])

    def worst_on(self, host: int, units: Ints) -> Ints:
        """The worst of them, largest first, shape (budget at most, slots)."""
        return largest(self.on(host, units), self.budget)

    def worst(self, at: Ints) -> Ints:
        """What the worst add on every host where the units are *at*, shape (hosts, slots)."""
        hosts = range(len(self.fixed_pcpu))
        where = at[self.unit]
        there = (np.vstack([self.fixed[host], self.parts[where == host]]) for host in hosts)
        sums = [largest(each, self.budget).sum(axis=0) for each in there]
        return np.array(sums, dtype=np.int64).reshape(len(hosts), -1)

    def of_single_units(self, units: int) -> tuple[Ints, Bools]:
        """The deviation of each unit of one VM, shape (units, slots), and which units have several, shape (units,)."""
        members = np.bincount(self.unit, minlength=units)
        single = np.zeros((units, self.parts.shape[1]), dtype=np.int64)
        alone = members[self.unit] == 1
        single[self.unit[alone]] = self.parts[alone]
        return single, members > 1

    def of_units(self, units: int) -> Ints:
        """What the members of each unit deviate together, shape (units, slots)."""
        together = np.zeros((units, self.parts.shape[1]), dtype=np.int64)
        np.add.at(together, self.unit, self.parts)
        return together
