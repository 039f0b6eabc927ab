"""A host that is to be emptied takes nobody, and every VM on it is one too many."""

from __future__ import annotations

from rebalancer.inventory import Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import HostRule, Objection, Origin, PoolRule, Row, Weights, When


class HostToBeEmptied(HostRule, PoolRule):
    """VMs that cannot leave may stay: they are counted, so that the plan says how many are left."""

    id = "host-to-be-emptied"
    sentence = "A host that is to be emptied takes no VM, and its VMs leave as far as they can."
    source = "the policy's empty"
    origin = Origin.POLICY
    binds_way_back = False
    when = When.AT_END

    def objects(self, host: Host, problem: Problem) -> Objection | None:
        """A host that is to be emptied."""
        wish = problem.intent.empty.get(host.uuid)
        if wish is None:
            return None
        remedy = "take the host out of the policy's empty"
        return self.objection(f"is to be emptied: {wish}", remedy=remedy, disruption=Disruption.POLICY)

    def limits(self, problem: Problem) -> tuple[Row, ...]:
        """One row for each such host: no guest on it."""
        weights = Weights.same(dict.fromkeys(problem.initial, 1))
        return tuple(
            Row(
                subject=f"VMs on host '{problem.names.hosts[host]}', which is to be emptied",
                places=frozenset({host}),
                weights=weights,
                upper=0,
            )
            for host in sorted(problem.intent.empty)
        )
