"""Memory fits, by xapi's arithmetic, while VMs on their way hold it on both hosts."""

from __future__ import annotations

from rebalancer.problem import Problem
from rebalancer.rules.base import Objection, Origin, PoolRule, Row, When
from rebalancer.rules.memory_model import (
    arrival_bytes,
    counts_xen_vcpu_pages,
    guest_bytes,
    held_apart_from,
    resident_bytes,
)
from rebalancer.units import size_in_words


class EnoughMemory(PoolRule):
    """xapi's admission: dynamic minima and overheads, dom0 and moves under way included; newcomers in whole MiB."""

    id = "enough-memory"
    sentence = "The dynamic minima and overheads of all VMs on a host, and of all on their way to it, fit its memory."
    source = "memory_check.ml: host_compute_free_memory_with_maximum_compression, vm_compute_start_memory"
    origin = Origin.XAPI
    code = "HOST_NOT_ENOUGH_FREE_MEMORY"
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[Row, ...]:
        """One row a host, in bytes."""
        pool = problem.pool
        vcpu_pages = counts_xen_vcpu_pages(pool)
        guests = [pool.vms[vm] for vm in problem.initial]
        weights = {vm.uuid: resident_bytes(vm) for vm in guests}
        arrival = {vm.uuid: arrival_bytes(vm, xen_vcpu_pages=vcpu_pages) for vm in guests}
        held = held_apart_from(pool, weights)
        return tuple(
            MemoryRow(
                subject="memory that xapi counts",
                hosts=frozenset({uuid}),
                weights=weights,
                arrival_weights=arrival,
                upper=guest_bytes(host) - held[uuid],
            )
            for uuid, host in pool.hosts.items()
        )

    def refusal(self, row: Row, held: int, joining: int) -> Objection:
        """With xapi's two numbers: bytes needed, bytes free."""
        free = max(0, row.upper - held)
        return self.objection(
            f"needs {size_in_words(joining)} of memory, has {size_in_words(free)} free",
            params=(str(joining), str(free)),
        )


class MemoryRow(Row):
    """A row in bytes."""

    __slots__ = ()

    def words(self, value: int) -> str:
        """In sizes that people read."""
        return f"{self.subject}: {size_in_words(value)} of at most {size_in_words(self.upper)}"
