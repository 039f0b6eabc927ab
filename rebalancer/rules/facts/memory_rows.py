"""Rows in bytes, one a host."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.inventory import Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Row, Weights
from rebalancer.rules.facts.memory_model import guest_bytes, memory_is_known
from rebalancer.units import GIB, size_in_words


class MemoryRow(Row):
    """A row in bytes; a breach is counted by the GiB, about as much as a VM that is one too many."""

    __slots__ = ()

    def words(self, value: int) -> str:
        """In sizes that people read."""
        return f"{self.subject}: {size_in_words(value)} (limit {size_in_words(self.upper)})"


def memory_rows(
    problem: Problem,
    *,
    subject: str,
    weights: Mapping[Uuid, int],
    arrival: Mapping[Uuid, int],
    apart: Mapping[Uuid, int],
    reserve: Mapping[Uuid, int] | None = None,
) -> tuple[MemoryRow, ...]:
    """What guests take on each host is at most its memory without what is held *apart* and kept in *reserve*.

    Where a host does not say how much memory it has, it is what they take there now.
    """
    kept, shared = reserve or {}, Weights(resident=weights, arrival=arrival)
    now = dict.fromkeys(problem.pool.hosts, 0)
    for vm, host in problem.initial.host_of.items():
        now[host] += weights[vm]
    return tuple(
        MemoryRow(
            subject=subject,
            places=frozenset({uuid}),
            weights=shared,
            upper=guest_bytes(host) - apart[uuid] - kept.get(uuid, 0) if memory_is_known(host) else now[uuid],
            unit=GIB,
        )
        for uuid, host in problem.pool.hosts.items()
    )
