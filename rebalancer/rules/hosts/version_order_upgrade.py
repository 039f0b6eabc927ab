"""During a rolling upgrade a VM goes to no older host."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.hosts.version_order import Versions, lower, versions_of


class VersionOrderUpgrade(PairRule[Versions]):
    """xapi marks the pool by itself; outside an upgrade it does not look."""

    id = "version-order-upgrade"
    sentence = "While the pool is being upgraded, no version of the target is lower than the source's."
    source = "message_forwarding.ml: pool_migrate; helpers.ml: Checks.Migration"
    origin = Origin.XAPI
    code = "NOT_SUPPORTED_DURING_UPGRADE"

    def needs(self, vm: VM, problem: Problem) -> Versions | None:
        """The versions of the host where *vm* is, while there is an upgrade."""
        return versions_of(vm, problem) if problem.pool.of_vm(vm).rolling_upgrade else None

    def objects(self, needs: Versions, host: Host, problem: Problem) -> Objection | None:
        """A host that is older in anything."""
        words = lower(needs, host)
        if not words:
            return None
        remedy = "upgrade the host, too"
        return self.objection(f"the pool is being upgraded, and {words}", remedy=remedy, disruption=Disruption.POOL)
