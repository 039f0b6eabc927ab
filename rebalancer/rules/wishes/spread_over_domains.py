"""VMs that should not fail together are in different failure domains."""

from __future__ import annotations

from rebalancer.policy import named
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Origin, PoolRule, Row, Weights, When


class SpreadOverDomains(PoolRule):
    """VMs are kept apart on racks, rooms or sites rather than on hosts."""

    id = "spread-over-domains"
    sentence = "At most so many VMs of a group are in one failure domain as the group says."
    source = "the policy's spread; tags of hosts"
    origin = Origin.POLICY
    binds_way_back = False
    when = When.AT_END

    def limits(self, problem: Problem) -> tuple[Row, ...]:
        """One row for each group and domain, in VMs."""
        return tuple(
            Row(
                subject=f"VMs of group {named(group)} in {group.domain} '{domain}'",
                places=hosts,
                weights=weights,
                upper=group.at_most,
                hard=group.hard,
            )
            for group in problem.intent.spread
            for weights in [Weights.same(dict.fromkeys(sorted(group.vms), 1))]
            for domain, hosts in group.hosts_of.items()
        )
