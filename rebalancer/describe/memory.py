"""Memory on the way: what each step makes its hosts hold, and the most that any host may come to hold.

All of it by xapi's count, which is what lets a VM come or refuses it: `rebalancer.rules.memory.enough_memory`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rebalancer.describe.concurrency import ancestors_of, highest
from rebalancer.inventory import VM, Uuid
from rebalancer.placement import Migration
from rebalancer.plan.step import HostMemory, Step, StepSqueeze
from rebalancer.rules import Rulebook


def memory_by_step(migrations: Sequence[Migration | Step], book: Rulebook) -> Iterator[tuple[HostMemory, HostMemory]]:
    """Source and target of each of *migrations* while it runs and after it, where they run one after another."""
    problem, rows = book.problem, {host: row for row in book.memory_rows for host in row.places}
    held = dict.fromkeys(problem.pool.hosts, 0)
    for vm, host in problem.initial.host_of.items():
        held[host] += rows[host].weights.resident[vm]
    for move in migrations:
        source, target = held[move.source], held[move.target]
        held[move.source] -= rows[move.source].weights.resident[move.vm]
        held[move.target] += rows[move.target].weights.resident[move.vm]
        arriving = target + rows[move.target].weights.arrival[move.vm]
        yield (
            HostMemory(host=move.source, during_bytes=source, after_bytes=held[move.source]),
            HostMemory(host=move.target, during_bytes=arriving, after_bytes=held[move.target]),
        )


def memory_peaks(steps: Sequence[Step], book: Rulebook) -> dict[Uuid, int]:
    """The most bytes that the VMs on each host may hold at any moment of any order that *steps* allow.

    However many steps run at once: where fewer may, less is held.
    """
    ancestors, there = ancestors_of(steps), book.problem.initial.holders_by_place()
    return {host: highest(row, steps, ancestors, there) for row in book.memory_rows for host in row.places}


def squeeze_told(vm: VM, memory_bytes: int) -> StepSqueeze | None:
    """How a migration squeezes *vm*, which has *memory_bytes* then; None where it keeps them (`rebalancer.squeeze`)."""
    low = vm.memory.dynamic_min_bytes
    if low >= vm.memory.dynamic_max_bytes or low >= memory_bytes:
        return None
    return StepSqueeze(from_bytes=memory_bytes, to_bytes=low)
