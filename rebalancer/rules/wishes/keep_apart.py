"""VMs that should not share a host do not."""

from __future__ import annotations

from rebalancer.policy import named
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Origin, PoolRule, Row, Weights, When


class KeepApart(PoolRule):
    """XAPI never refuses a move for it; the groups come from the policy, from VM groups and from tags."""

    id = "keep-apart"
    sentence = "At most so many VMs of a group share a host as the group says."
    source = "the policy's apart; XenAPI VM_group.placement anti_affinity; tags of Xen Orchestra"
    origin = Origin.POLICY
    binds_way_back = False
    when = When.AT_END

    def limits(self, problem: Problem) -> tuple[Row, ...]:
        """One row for each group and host, in VMs."""
        return tuple(
            Row(
                subject=f"VMs of group {named(group)} on one host",
                places=frozenset({host}),
                weights=weights,
                upper=group.at_most,
                hard=group.hard,
            )
            for group in problem.intent.apart
            for weights in [Weights.same(dict.fromkeys(sorted(group.vms), 1))]
            for host in problem.pool.hosts
        )
