"""The VMs of a host have no more vCPUs for each of its pCPUs than the policy says."""

from __future__ import annotations

from math import floor

from rebalancer.demand.vcpus import vcpu_limit
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PoolRule, Row, When
from rebalancer.rules.facts.totals import at_the_start, total_rows

NOISE = 1e-9


class VCPUsPerPCPU(PoolRule):
    """The vCPUs of a VM are those that it runs with or may get, whichever are more; pCPUs are logical CPUs.

    A host that has more for each pCPU tonight may keep as many, and so may one that does not say how many it has.
    """

    id = "vcpus-per-pcpu"
    sentence = "VMs of a host have at most so many vCPUs for each of its pCPUs as the policy says, or as many as now."
    source = "the policy's limits.vcpus_per_pcpu"
    origin = Origin.POLICY
    binds_way_back = False
    when = When.AT_END

    def limits(self, problem: Problem) -> tuple[Row, ...]:
        """One row a host, in vCPUs."""
        wanted = problem.policy.limits.vcpus_per_pcpu
        if wanted is None:
            return ()
        weights = {vm: vcpu_limit(problem.pool.vms[vm]) for vm in problem.initial}
        start = at_the_start(problem, weights)
        upper = {
            uuid: start[uuid] if host.pcpus is None else floor(wanted.at_most * host.pcpus + NOISE)
            for uuid, host in problem.pool.hosts.items()
        }
        subject = f"vCPUs on one host, with {wanted.at_most:g} for each pCPU"
        return total_rows(problem, subject, weights, upper, hard=wanted.hard)

    def refusal(self, row: Row, held: int, joining: int) -> Objection:
        """With the key of the policy as the fix."""
        remedy = "raise limits.vcpus_per_pcpu in the policy"
        return self.objection(row.words(held + joining), remedy=remedy, disruption=Disruption.POLICY)
