"""VMs that belong together share a host."""

from __future__ import annotations

from rebalancer.policy import named
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Affinity, Origin, PoolRule, When


class KeepTogether(PoolRule):
    """They part while they move one after another, and are together once the plan is done."""

    id = "keep-together"
    sentence = "The VMs of a group end on one host; a group that is apart spreads to no further host."
    source = "the policy's together; tags of Xen Orchestra"
    origin = Origin.POLICY
    binds_way_back = False
    when = When.AT_END

    def limits(self, problem: Problem) -> tuple[Affinity, ...]:
        """One limit for each group."""
        return tuple(
            Affinity(subject=f"group {named(group)}", vms=group.vms, hard=group.hard)
            for group in problem.intent.together
        )
