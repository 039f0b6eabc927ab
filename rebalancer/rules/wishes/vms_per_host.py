"""A host runs no more VMs than the policy says."""

from __future__ import annotations

from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PoolRule, Row, When
from rebalancer.rules.facts.totals import total_rows


class VMsPerHost(PoolRule):
    """VMs of whatever group; a host that runs more tonight may run as many, and never more."""

    id = "vms-per-host"
    sentence = "At most so many VMs run on one host as the policy says, or no more than now."
    source = "the policy's limits.vms_per_host"
    origin = Origin.POLICY
    binds_way_back = False
    when = When.AT_END

    def limits(self, problem: Problem) -> tuple[Row, ...]:
        """One row a host, in VMs."""
        wanted = problem.policy.limits.vms_per_host
        if wanted is None:
            return ()
        upper = dict.fromkeys(problem.pool.hosts, wanted.at_most)
        return total_rows(problem, "VMs on one host", dict.fromkeys(problem.initial, 1), upper, hard=wanted.hard)

    def refusal(self, row: Row, held: int, joining: int) -> Objection:
        """With the key of the policy as the fix."""
        remedy = "raise limits.vms_per_host in the policy"
        return self.objection(row.words(held + joining), remedy=remedy, disruption=Disruption.POLICY)
