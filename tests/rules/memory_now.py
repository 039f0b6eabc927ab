"""The target has the memory at this moment."""

from __future__ import annotations

from functools import lru_cache

from rebalancer.inventory import VM, Host, Pool, PowerState, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.memory_model import (
    arrival_bytes,
    arrival_overhead,
    counts_xen_vcpu_pages,
    guest_bytes,
    held_apart_from,
    resident_bytes,
)
from rebalancer.units import MIB, demand_mib, size_in_words

Wanted = tuple[int, Uuid | None, int]
"""Bytes that a VM needs, the host where some are reserved for it already, and how many."""


class MemoryNow(PairRule[Wanted]):
    """The same arithmetic as `enough-memory`, for any VM, halted ones too, and for the state of the database only."""

    id = "memory-now"
    sentence = "The target has as much memory free as the VM needs."
    source = "xapi_vm_helpers.ml: assert_enough_memory_available; memory_check.ml"
    origin = Origin.XAPI
    code = "HOST_NOT_ENOUGH_FREE_MEMORY"

    def needs(self, vm: VM, problem: Problem) -> Wanted | None:
        """What the VM needs."""
        need = arrival_bytes(vm, xen_vcpu_pages=_counts_vcpu_pages(problem))
        return need, vm.scheduled_to_be_resident_on, resident_bytes(vm)

    def objects(self, needs: Wanted, host: Host, problem: Problem) -> Objection | None:
        """Less free than needed, what is reserved for the VM itself not counted."""
        need, scheduled, reserved = needs
        room = guest_bytes(host) - _held(problem)[host.uuid] + (reserved if scheduled == host.uuid else 0)
        free = max(0, room)
        if need <= free:
            return None
        return self.objection(
            f"needs {size_in_words(need)} of memory, the host has {size_in_words(free)} free",
            params=(str(need), str(free)),
        )


class MemoryThere(MemoryNow):
    """What the import into another pool asks: of VMs that live only."""

    def needs(self, vm: VM, problem: Problem) -> Wanted | None:
        """What a VM needs that is to live on: its dynamic minimum, in a shim too."""
        if vm.power_state not in {PowerState.RUNNING, PowerState.PAUSED}:
            return None
        need = arrival_overhead(vm, xen_vcpu_pages=_counts_vcpu_pages(problem))
        return need + demand_mib(vm.memory.dynamic_min_bytes) * MIB, None, 0


@lru_cache(maxsize=4)
def _counts_vcpu_pages(problem: Problem) -> bool:
    """Which formula this pool's xapi uses."""
    return counts_xen_vcpu_pages(problem.pool)


@lru_cache(maxsize=4)
def _held(problem: Problem) -> dict[Uuid, int]:
    """What each host holds."""
    return held_apart_from(problem.pool, ())


def free_bytes(pool: Pool) -> dict[Uuid, int]:
    """What `host.compute_free_memory` answers for each host."""
    held = held_apart_from(pool, ())
    return {uuid: max(0, guest_bytes(host) - held[uuid]) for uuid, host in pool.hosts.items()}
