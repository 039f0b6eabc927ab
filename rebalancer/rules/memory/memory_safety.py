"""Memory fits even if guests do not give any back while they move."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.inventory import VM, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Origin, PoolRule, When
from rebalancer.rules.facts.memory_model import arrival_overhead, counts_xen_vcpu_pages, held_apart_from
from rebalancer.rules.facts.memory_rows import MemoryRow, memory_rows
from rebalancer.units import MIB, demand_mib


class MemorySafety(PoolRule):
    """Every VM counts with what it has or may get, and a reserve is kept.

    xapi counts dynamic minima; but a transfer needs what the guest really holds, and a full target makes its other
    guests give memory back.
    """

    id = "memory-safety"
    sentence = "What all VMs on a host have or may get, the larger, with overheads and the reserve, fits its memory."
    source = "xenops_server.ml: VM_migrate; squeeze_xen.ml: target_host_free_mem_kib; the policy's reserves"
    origin = Origin.MANUAL
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[MemoryRow, ...]:
        """One row a host, in bytes."""
        guests = {vm: problem.pool.vms[vm] for vm in problem.initial}
        vcpu_pages = counts_xen_vcpu_pages(problem.pool)
        return memory_rows(
            problem,
            subject="memory that VMs have or may get, and the reserve",
            weights={uuid: safe_bytes(vm) for uuid, vm in guests.items()},
            arrival={uuid: _arrival(vm, xen_vcpu_pages=vcpu_pages) for uuid, vm in guests.items()},
            apart=held_apart_from(problem.pool, problem.initial, safe_bytes),
            reserve=reserves(problem),
        )


def safe_bytes(vm: VM) -> int:
    """What *vm* may take on its host: the memory it has or may get, the larger, and its overhead."""
    actual = vm.metrics.memory_actual_bytes if vm.metrics else 0
    return max(actual, vm.memory.dynamic_max_bytes) + vm.memory_overhead_bytes


def reserves(problem: Problem) -> Mapping[Uuid, int]:
    """Bytes that the policy keeps free on each host."""
    everywhere = problem.policy.capacity.memory_reserve_mib * MIB
    return {host: everywhere + problem.reserve(host).memory_bytes for host in problem.pool.hosts}


def _arrival(vm: VM, *, xen_vcpu_pages: bool) -> int:
    """What *vm* needs where it comes to, in whole MiB, its overhead by whichever count is larger."""
    overhead = max(vm.memory_overhead_bytes, arrival_overhead(vm, xen_vcpu_pages=xen_vcpu_pages))
    return demand_mib(safe_bytes(vm) - vm.memory_overhead_bytes) * MIB + overhead
