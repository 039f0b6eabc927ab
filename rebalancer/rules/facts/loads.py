"""What hosts and VMs use of each resource in every slot, in whole parts, as limits sum it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from rebalancer.demand import LoadProfile
from rebalancer.demand.vcpus import vcpu_limit
from rebalancer.inventory import Uuid
from rebalancer.problem import Problem
from rebalancer.slots import Slots

PARTS = 1_000_000
"""Into so many parts a unit is cut: plans keep six digits of every load, and sum up to the same from these."""
GRAIN = 1e-6
"""Part of a part that counts as float noise."""
Parts = Sequence[int]
"""Parts that are used, by slot."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resource:
    """What one resource is used for, in parts of its unit.

    Args:
        name: what it is called in sentences, such as `CPU`.
        ceiling: the share of its capacity that a host uses at most.
        capacity: what each host has, of those whose use is known.
        own: what each of them uses itself.
        vms: what each VM uses.
        slots: which hours the slots are.
    """

    name: str
    ceiling: float
    capacity: Mapping[Uuid, int]
    own: Mapping[Uuid, Parts]
    vms: Mapping[Uuid, Parts]
    slots: Slots

    def room(self, host: Uuid, slot: int) -> int:
        """Parts that VMs may use together on *host* in a *slot*."""
        return floor(self.ceiling * self.capacity[host] + GRAIN) - self.own[host][slot]


def limited_resources(problem: Problem) -> Iterator[Resource]:
    """The resources that the policy limits; none where no metrics were read."""
    wanted, profile = problem.policy.limits.host_load, problem.demand
    if wanted is None or profile is None:
        return
    if wanted.cpu is not None:
        yield _cpu(problem, profile, wanted.cpu)


def _cpu(problem: Problem, profile: LoadProfile, ceiling: float) -> Resource:
    """A VM that the profile does not know uses as much as it has vCPUs: absent is not zero."""
    own = _parts(profile.hosts, profile.host_base_pcpu.tolist())
    hosts, uncounted = problem.pool.hosts.items(), problem.held.uncounted
    counted = {uuid: problem.cpu_capacity(host) for uuid, host in hosts if uuid not in uncounted}
    known = _parts(profile.vms, profile.vm_pcpu.tolist())
    unknown = {vm: _most(vm, problem) for vm in problem.initial if vm not in known}
    return Resource(
        name="CPU",
        ceiling=ceiling,
        capacity={uuid: floor(pcpus * PARTS + GRAIN) for uuid, pcpus in counted.items() if uuid in own},
        own=own,
        vms=known | {vm: (most,) * profile.slots for vm, most in unknown.items()},
        slots=profile.when,
    )


def _most(vm: Uuid, problem: Problem) -> int:
    """What *vm* can use where it is, by its vCPUs."""
    worth = problem.pcpu_worth(problem.pool.hosts[problem.initial[vm]])
    return ceil(vcpu_limit(problem.pool.vms[vm]) * worth * PARTS - GRAIN)


def _parts(uuids: Sequence[Uuid], loads: Sequence[Sequence[float]]) -> dict[Uuid, Parts]:
    """*loads*, one row each, in the nearest whole parts, as plans write them."""
    return {uuid: tuple(round(each * PARTS) for each in row) for uuid, row in zip(uuids, loads, strict=True)}
