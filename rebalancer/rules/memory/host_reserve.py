"""Memory that the policy keeps free stays free, even without the safety rule."""

from __future__ import annotations

from rebalancer.policy import RuleSet
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Origin, PoolRule, When
from rebalancer.rules.facts.memory_rows import MemoryRow
from rebalancer.rules.memory.enough_memory import admission_rows
from rebalancer.rules.memory.memory_safety import MemorySafety, reserves


class HostReserve(PoolRule):
    """By xapi's own count of what VMs take; where `memory-safety` binds, it keeps the reserve by a stricter one."""

    id = "host-reserve"
    sentence = "By xapi's count, the memory that the policy keeps free on a host stays free."
    source = "the policy's capacity.memory_reserve_mib and reserve"
    origin = Origin.POLICY
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[MemoryRow, ...]:
        """One row a host, in bytes; none where the safety rule says more."""
        rules = problem.policy.rules
        if rules.set is RuleSet.DOCUMENTED and MemorySafety.id not in rules.relax:
            return ()
        return admission_rows(problem, "memory that xapi counts, and the reserve", reserves(problem))
