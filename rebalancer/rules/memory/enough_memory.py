"""Memory fits, by xapi's arithmetic, while VMs on their way hold it on both hosts."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.inventory import Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PoolRule, Row, When
from rebalancer.rules.facts.memory_model import arrival_bytes, counts_xen_vcpu_pages, held_apart_from, resident_bytes
from rebalancer.rules.facts.memory_rows import MemoryRow, memory_rows
from rebalancer.units import size_in_words


class EnoughMemory(PoolRule):
    """xapi's admission: dynamic minima and overheads, dom0 and moves under way included; newcomers in whole MiB."""

    id = "enough-memory"
    sentence = "The dynamic minima and overheads of all VMs on a host, and of all on their way to it, fit its memory."
    source = "memory_check.ml: host_compute_free_memory_with_maximum_compression, vm_compute_start_memory"
    origin = Origin.XAPI
    code = "HOST_NOT_ENOUGH_FREE_MEMORY"
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[MemoryRow, ...]:
        """One row a host, in bytes."""
        return admission_rows(problem, "memory that xapi counts")

    def refusal(self, row: Row, held: int, joining: int) -> Objection:
        """With xapi's two numbers: bytes needed, bytes free."""
        free = max(0, row.upper - held)
        return self.objection(
            f"needs {size_in_words(joining)} of memory, the host has {size_in_words(free)} free",
            params=(str(joining), str(free)),
        )


def admission_rows(problem: Problem, subject: str, reserve: Mapping[Uuid, int] | None = None) -> tuple[MemoryRow, ...]:
    """What xapi counts for the guests of each host, and wants free for each that comes, fits without the *reserve*."""
    pool, vcpu_pages = problem.pool, counts_xen_vcpu_pages(problem.pool)
    return memory_rows(
        problem,
        subject=subject,
        weights={vm: resident_bytes(pool.vms[vm]) for vm in problem.initial},
        arrival={vm: arrival_bytes(pool.vms[vm], xen_vcpu_pages=vcpu_pages) for vm in problem.initial},
        apart=held_apart_from(pool, problem.initial),
        reserve=reserve,
    )
